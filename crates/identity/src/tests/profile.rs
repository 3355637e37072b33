use super::{World, everywhere, fields, refusal};
use crate::IdentityConfig;
use prost_types::FieldMask;
use segue_proto::identity::v1::{
    GetMeRequest, Tokens, UpdateMeRequest, User, identity_service_server::IdentityService,
};
use tonic::{Code, Status};

async fn me(world: &World, tokens: &Tokens) -> User {
    world.identity.get_me(world.signed(tokens, GetMeRequest {})).await.unwrap().into_inner().user.unwrap()
}

async fn update(world: &World, tokens: &Tokens, user: User, paths: &[&str]) -> Result<User, Status> {
    let update_mask = Some(FieldMask { paths: paths.iter().map(|p| (*p).to_owned()).collect() });
    let request = UpdateMeRequest { user: Some(user), update_mask };
    world.identity.update_me(world.signed(tokens, request)).await.map(|r| r.into_inner().user.unwrap())
}

#[tokio::test]
async fn name_and_address_change_by_mask() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let wish =
            User { display_name: "Ada".into(), email: "ignored@x".into(), ..me(&world, &tokens).await };
        let user = update(&world, &tokens, wish, &["display_name"]).await.unwrap();
        assert_eq!(
            (user.display_name.as_str(), user.email.as_str(), user.etag.as_str()),
            ("Ada", "ada@x", "2")
        );
        let wish = User { email: "Lovelace@X".into(), ..Default::default() };
        let user = update(&world, &tokens, wish, &[]).await.unwrap();
        assert_eq!(
            (user.display_name.as_str(), user.email.as_str(), user.etag.as_str()),
            ("Ada", "lovelace@x", "3")
        );
        assert_eq!(user, me(&world, &tokens).await);
        let events = world.events().await;
        let told: Vec<_> = events.iter().map(|e| (e.r#type.as_str(), e.sequence)).collect();
        assert_eq!(told, [("user.created.v1", 1), ("user.updated.v1", 2), ("user.updated.v1", 3)]);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_makes_no_version() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let user = me(&world, &tokens).await;
        assert_eq!(update(&world, &tokens, user.clone(), &["email", "display_name"]).await.unwrap(), user);
        assert_eq!(update(&world, &tokens, User::default(), &[]).await.unwrap(), user);
        assert_eq!(world.event_types().await, ["user.created.v1"]);
    })
    .await;
}

#[tokio::test]
async fn a_stale_etag_is_aborted() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let user = me(&world, &tokens).await;
        let name = |name: &str| User { display_name: name.into(), ..user.clone() };
        update(&world, &tokens, name("first"), &["display_name"]).await.unwrap();
        let refused = refusal(update(&world, &tokens, name("second"), &["display_name"]).await);
        assert_eq!(refused, (Code::Aborted, "ETAG_STALE".into()));
        assert_eq!(me(&world, &tokens).await.display_name, "first");
    })
    .await;
}

#[tokio::test]
async fn one_of_two_changes_at_once_is_aborted() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let user = me(&world, &tokens).await;
        let name = |name: &str| User { display_name: name.into(), ..user.clone() };
        let (a, b) = tokio::join!(
            update(&world, &tokens, name("a"), &["display_name"]),
            update(&world, &tokens, name("b"), &["display_name"])
        );
        assert!(a.is_ok() != b.is_ok());
        assert_eq!(refusal(if a.is_ok() { b } else { a }).0, Code::Aborted);
    })
    .await;
}

#[tokio::test]
async fn bad_changes_are_refused() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        world.sign_up("bob@x").await;
        let user = User { email: "BOB@x".into(), ..Default::default() };
        let refused = refusal(update(&world, &tokens, user, &["email"]).await);
        assert_eq!(refused, (Code::AlreadyExists, "EMAIL_TAKEN".into()));
        let admin = User { admin: true, ..Default::default() };
        assert_eq!(fields(update(&world, &tokens, admin, &["admin"]).await), ["update_mask"]);
        let empty = User::default();
        assert_eq!(fields(update(&world, &tokens, empty, &["email"]).await), ["user.email"]);
        let other = User { user_id: "someone".into(), display_name: "x".into(), ..Default::default() };
        assert_eq!(fields(update(&world, &tokens, other, &[]).await), ["user.user_id"]);
        let nothing = UpdateMeRequest { user: None, update_mask: None };
        assert_eq!(fields(world.identity.update_me(world.signed(&tokens, nothing)).await), ["user"]);
    })
    .await;
}
