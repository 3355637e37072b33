use super::{PASSWORD, World, everywhere, fields, refusal};
use crate::IdentityConfig;
use segue_domain::UserId;
use segue_mesh::TokenError;
use segue_proto::event::v1::event::Data;
use segue_proto::identity::v1::{
    ChangePasswordRequest, DeleteMeRequest, GetMeRequest, ResolveUserRequest, SignInRequest, SignUpRequest,
    Tokens, identity_service_server::IdentityService,
};
use tonic::{Code, Request, Status};

const NEW: &str = "a better password";

async fn sign_in(world: &World, password: &str) -> Result<Tokens, Status> {
    let request = SignInRequest { email: "ada@x".into(), password: password.into(), ..Default::default() };
    world.identity.sign_in(Request::new(request)).await.map(|r| r.into_inner().tokens.unwrap())
}

async fn change(world: &World, tokens: &Tokens, from: &str, to: &str) -> Result<(), Status> {
    let request = ChangePasswordRequest { current_password: from.into(), new_password: to.into() };
    IdentityService::change_password(&world.identity, world.signed(tokens, request)).await.map(|_| ())
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    everywhere(IdentityConfig::default(), async |world| {
        let others = [world.sign_up("ada@x").await, sign_in(&world, PASSWORD).await.unwrap()];
        let stranger = world.sign_up("bob@x").await;
        let mine = sign_in(&world, PASSWORD).await.unwrap();
        change(&world, &mine, PASSWORD, NEW).await.unwrap();
        for other in &others {
            assert_eq!(world.verifier.verify(&other.access_token), Err(TokenError::Revoked));
        }
        assert!(world.verifier.verify(&mine.access_token).is_ok());
        assert!(world.verifier.verify(&stranger.access_token).is_ok());
        assert_eq!(refusal(sign_in(&world, PASSWORD).await).0, Code::Unauthenticated);
        assert!(sign_in(&world, NEW).await.is_ok());
        let types = world.event_types().await;
        assert_eq!(types.iter().filter(|t| *t == "session.revoked.v1").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_password_changes_only_with_the_right_one_and_to_a_strong_one() {
    everywhere(IdentityConfig::default(), async |world| {
        let mine = world.sign_up("ada@x").await;
        assert_eq!(fields(change(&world, &mine, "wrong password", NEW).await), ["current_password"]);
        assert_eq!(fields(change(&world, &mine, "", NEW).await), ["current_password"]);
        assert_eq!(fields(change(&world, &mine, PASSWORD, "weak").await), ["new_password"]);
        assert!(sign_in(&world, PASSWORD).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_overlaps_a_password_change_leaves_no_session_of_the_old_password() {
    everywhere(IdentityConfig::default(), async |world| {
        let mine = world.sign_up("ada@x").await;
        let id = match world.verifier.verify(&mine.access_token).unwrap() {
            segue_mesh::Caller::User(user) => user.id,
            other => panic!("{other:?}"),
        };
        let before = crate::accounts::living(&world.identity.primary(), id).await.unwrap();
        change(&world, &mine, PASSWORD, NEW).await.unwrap();
        let late = world.identity.open_session(&before, String::new()).await;
        assert!(matches!(late, Err(crate::Error::WrongCredentials)));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_for_good() {
    everywhere(IdentityConfig::default(), async |world| {
        let request = SignUpRequest {
            request_id: UserId::new().to_string(),
            email: "ada@x".into(),
            password: PASSWORD.into(),
            ..Default::default()
        };
        let mine = world.try_sign_up(request.clone()).await.unwrap().tokens.unwrap();
        let delete = |password: &str| {
            world.signed(&mine, DeleteMeRequest { password: password.into(), ..Default::default() })
        };
        assert_eq!(fields(world.identity.delete_me(delete("wrong password")).await), ["password"]);
        let (good, late, get) = (delete(PASSWORD), delete(PASSWORD), world.signed(&mine, GetMeRequest {}));
        world.identity.delete_me(good).await.unwrap();

        assert_eq!(world.verifier.verify(&mine.access_token), Err(TokenError::Revoked));
        let gone = (Code::Unauthenticated, "ACCOUNT_GONE".to_owned());
        assert_eq!(refusal(world.identity.delete_me(late).await), gone);
        assert_eq!(refusal(world.identity.get_me(get).await), gone);
        assert_eq!(refusal(sign_in(&world, PASSWORD).await).1, "CREDENTIALS_WRONG");
        let told = world.events().await.pop().unwrap();
        assert_eq!(
            (told.r#type.as_str(), told.sequence, told.subject),
            ("user.deleted.v1", 2, request.request_id.clone())
        );

        assert_eq!(refusal(world.try_sign_up(request.clone()).await).1, "REQUEST_ID_TAKEN");
        let again = world.try_sign_up(SignUpRequest { request_id: String::new(), ..request }).await;
        assert!(again.is_ok(), "the address is free again");
    })
    .await;
}

#[tokio::test]
async fn who_goes_may_leave_everything_to_somebody() {
    everywhere(IdentityConfig::default(), async |world| {
        let (mine, heir) = (world.sign_up("ada@x").await, world.sign_up("bob@x").await);
        let delete = |heir: &str| {
            let request = DeleteMeRequest { password: PASSWORD.into(), heir_email: heir.into() };
            world.identity.delete_me(world.signed(&mine, request))
        };
        for nobody in ["eve@x", "ADA@x", "not an address"] {
            assert_eq!(fields(delete(nobody).await), ["heir_email"], "{nobody}");
        }
        assert!(world.verifier.verify(&mine.access_token).is_ok(), "nothing was deleted");
        delete(" Bob@X ").await.unwrap();
        let told = world.events().await.pop().unwrap();
        let Some(Data::UserDeleted(gone)) = told.data else {
            panic!("{told:?}");
        };
        let segue_mesh::Caller::User(heir) = world.verifier.verify(&heir.access_token).unwrap() else {
            panic!("no user");
        };
        assert_eq!((gone.heir_id, gone.display_name.as_str()), (heir.id.to_string(), ""));
    })
    .await;
}

#[tokio::test]
async fn an_account_is_found_by_its_id_and_its_address() {
    everywhere(IdentityConfig::default(), async |world| {
        let ada = world.sign_up("ada@x").await;
        let segue_mesh::Caller::User(user) = world.verifier.verify(&ada.access_token).unwrap() else {
            panic!("no user");
        };
        let id = user.id.to_string();
        let resolve = async |user: &str| {
            let request = Request::new(ResolveUserRequest { user: user.into() });
            world.identity.resolve_user(request).await.map(tonic::Response::into_inner)
        };
        for text in [id.as_str(), "ada@x", " ADA@x "] {
            let found = resolve(text).await.unwrap();
            assert_eq!((found.user_id.as_str(), found.display_name.as_str()), (id.as_str(), "ada"));
        }
        let nobody = (Code::NotFound, "USER_NOT_FOUND".to_owned());
        assert_eq!(refusal(resolve("eve@x").await), nobody);
        assert_eq!(refusal(resolve(&UserId::new().to_string()).await), nobody);
        assert_eq!(fields(resolve("neither").await), ["user"]);
        let delete = DeleteMeRequest { password: PASSWORD.into(), ..Default::default() };
        world.identity.delete_me(world.signed(&ada, delete)).await.unwrap();
        assert_eq!(refusal(resolve(&id).await), nobody);
    })
    .await;
}
