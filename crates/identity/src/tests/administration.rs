use super::{PASSWORD, World, everywhere, fields, refusal};
use crate::{IdentityConfig, entity::user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use segue_domain::UserId;
use segue_mesh::TokenError;
use segue_proto::identity::v1::{
    DeleteMeRequest, DisableUserRequest, EnableUserRequest, ListUsersRequest, ListUsersResponse,
    RefreshSessionRequest, ResetPasswordRequest, ResetPasswordResponse, SignInRequest, SignInResponse,
    SignUpRequest, Tokens, User, identity_service_server::IdentityService,
};
use tonic::{Code, Request, Status};

/// The tokens of an administrator.
async fn admin(world: &World) -> Tokens {
    world.sign_up("root@x").await;
    let update = user::Entity::update_many().col_expr(user::Column::Admin, Expr::value(true));
    update.filter(user::Column::Email.eq("root@x")).exec(&world.identity.primary()).await.unwrap();
    sign_in(world, "root@x", PASSWORD).await.unwrap().tokens.unwrap()
}

async fn sign_in(world: &World, email: &str, password: &str) -> Result<SignInResponse, Status> {
    let request = SignInRequest { email: email.into(), password: password.into(), device: String::new() };
    world.identity.sign_in(Request::new(request)).await.map(tonic::Response::into_inner)
}

async fn account(world: &World, admin: &Tokens, email: &str) -> User {
    list(world, admin, ListUsersRequest { email_prefix: email.into(), ..Default::default() })
        .await
        .users
        .remove(0)
}

async fn list(world: &World, admin: &Tokens, request: ListUsersRequest) -> ListUsersResponse {
    world.identity.list_users(world.signed(admin, request)).await.unwrap().into_inner()
}

async fn disable(world: &World, admin: &Tokens, user_id: &str) -> Result<User, Status> {
    let request = DisableUserRequest { user_id: user_id.into() };
    world.identity.disable_user(world.signed(admin, request)).await.map(|r| r.into_inner().user.unwrap())
}

async fn enable(world: &World, admin: &Tokens, user_id: &str) -> Result<User, Status> {
    let request = EnableUserRequest { user_id: user_id.into() };
    world.identity.enable_user(world.signed(admin, request)).await.map(|r| r.into_inner().user.unwrap())
}

async fn reset(
    world: &World,
    admin: &Tokens,
    user_id: &str,
    password: &str,
) -> Result<ResetPasswordResponse, Status> {
    let request = ResetPasswordRequest { user_id: user_id.into(), new_password: password.into() };
    world.identity.reset_password(world.signed(admin, request)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn accounts_are_listed_once_each_and_by_the_beginning_of_their_address() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        for email in ["ada@x", "adam@x", "a_a@x", "a%@x", "bob@x"] {
            world.sign_up(email).await;
        }
        let gone = world.sign_up("gone@x").await;
        let delete = DeleteMeRequest { password: PASSWORD.into(), ..Default::default() };
        world.identity.delete_me(world.signed(&gone, delete)).await.unwrap();

        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let page =
                list(&world, &root, ListUsersRequest { page_size: 2, page_token, ..Default::default() })
                    .await;
            seen.extend(page.users.into_iter().map(|u| u.email));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["root@x", "ada@x", "adam@x", "a_a@x", "a%@x", "bob@x"]);

        for (prefix, found) in [
            ("ada", vec!["ada@x", "adam@x"]),
            (" ADA@", vec!["ada@x"]),
            ("a_", vec!["a_a@x"]),
            ("a%", vec!["a%@x"]),
            ("\\", vec![]),
            ("x", vec![]),
        ] {
            let request = ListUsersRequest { email_prefix: prefix.into(), ..Default::default() };
            let emails: Vec<String> =
                list(&world, &root, request).await.users.into_iter().map(|u| u.email).collect();
            assert_eq!(emails, found, "{prefix:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn lists_that_cannot_be_given_name_the_field() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        world.sign_up("ada@x").await;
        let first = list(&world, &root, ListUsersRequest { page_size: 1, ..Default::default() }).await;
        let other = ListUsersRequest {
            page_token: first.next_page_token,
            email_prefix: "a".into(),
            ..Default::default()
        };
        for (request, field) in [
            (other, "page_token"),
            (ListUsersRequest { page_token: "garbage".into(), ..Default::default() }, "page_token"),
            (ListUsersRequest { page_size: -1, ..Default::default() }, "page_size"),
            (ListUsersRequest { email_prefix: "a".repeat(300), ..Default::default() }, "email_prefix"),
            (ListUsersRequest { email_prefix: "a\0".into(), ..Default::default() }, "email_prefix"),
        ] {
            assert_eq!(fields(world.identity.list_users(world.signed(&root, request)).await), [field]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_comes_back_when_enabled() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        let (ada, bob) = (world.sign_up("ada@x").await, world.sign_up("bob@x").await);
        let id = account(&world, &root, "ada@x").await.user_id;
        let off = disable(&world, &root, &id).await.unwrap();
        assert!(off.disable_time.is_some());
        assert_eq!(disable(&world, &root, &id).await.unwrap(), off, "again changes nothing");

        assert_eq!(world.verifier.verify(&ada.access_token), Err(TokenError::Revoked));
        assert!(world.verifier.verify(&bob.access_token).is_ok());
        let renew = RefreshSessionRequest { refresh_token: ada.refresh_token.clone() };
        let renewed = world.identity.refresh_session(Request::new(renew)).await;
        assert_eq!(refusal(renewed), (Code::Unauthenticated, "REFRESH_TOKEN_INVALID".into()));
        let refused = sign_in(&world, "ada@x", PASSWORD).await.unwrap_err();
        assert!(refused.message().contains("disabled"), "{}", refused.message());
        assert_eq!(refusal::<()>(Err(refused)), (Code::PermissionDenied, "ACCOUNT_DISABLED".into()));
        let wrong = sign_in(&world, "ada@x", "wrong password").await;
        assert_eq!(refusal(wrong).1, "CREDENTIALS_WRONG", "only the password opens the answer");
        let told = world.events().await;
        let told = told.iter().filter(|e| e.subject == ada.session_id).map(|e| e.r#type.as_str());
        assert_eq!(told.collect::<Vec<_>>(), ["session.revoked.v1"]);

        let on = enable(&world, &root, &id).await.unwrap();
        assert_eq!(on.disable_time, None);
        assert_eq!(enable(&world, &root, &id).await.unwrap(), on, "again changes nothing");
        sign_in(&world, "ada@x", PASSWORD).await.unwrap();
        assert_eq!(
            world.verifier.verify(&ada.access_token),
            Err(TokenError::Revoked),
            "the old session has ended"
        );
    })
    .await;
}

#[tokio::test]
async fn a_repeated_sign_up_does_not_open_a_disabled_account() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        let request_id = UserId::new().to_string();
        let request = SignUpRequest {
            request_id: request_id.clone(),
            email: "ada@x".into(),
            password: PASSWORD.into(),
            ..Default::default()
        };
        world.try_sign_up(request.clone()).await.unwrap();
        disable(&world, &root, &request_id).await.unwrap();
        assert_eq!(refusal(world.try_sign_up(request).await).1, "ACCOUNT_DISABLED");
    })
    .await;
}

#[tokio::test]
async fn a_reset_password_is_the_only_one_and_every_session_ends() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        let ada = world.sign_up("ada@x").await;
        let id = account(&world, &root, "ada@x").await.user_id;
        let made = reset(&world, &root, &id, "").await.unwrap().password;
        assert_eq!(world.verifier.verify(&ada.access_token), Err(TokenError::Revoked));
        assert_eq!(refusal(sign_in(&world, "ada@x", PASSWORD).await).1, "CREDENTIALS_WRONG");
        let session = sign_in(&world, "ada@x", &made).await.unwrap().tokens.unwrap();

        let set = reset(&world, &root, &id, "a password of choice").await.unwrap();
        assert_eq!((set.password.as_str(), set.user.unwrap().email.as_str()), ("", "ada@x"));
        assert_eq!(world.verifier.verify(&session.access_token), Err(TokenError::Revoked));
        assert_eq!(refusal(sign_in(&world, "ada@x", &made).await).1, "CREDENTIALS_WRONG");
        sign_in(&world, "ada@x", "a password of choice").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn accounts_that_are_not_there_and_ones_own_are_refused() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        let own = account(&world, &root, "root@x").await.user_id;
        assert_eq!(
            refusal(disable(&world, &root, &own).await),
            (Code::FailedPrecondition, "OWN_ACCOUNT".into())
        );
        assert!(world.verifier.verify(&root.access_token).is_ok());
        let nobody = UserId::new().to_string();
        let not_found = (Code::NotFound, "USER_NOT_FOUND".to_owned());
        assert_eq!(refusal(disable(&world, &root, &nobody).await), not_found);
        assert_eq!(refusal(enable(&world, &root, &nobody).await), not_found);
        assert_eq!(refusal(reset(&world, &root, &nobody, "").await), not_found);
        assert_eq!(fields(disable(&world, &root, "ada").await), ["user_id"]);
        assert_eq!(fields(reset(&world, &root, &nobody, "short").await), ["new_password"]);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_and_a_disable_at_once_leave_no_open_session() {
    everywhere(IdentityConfig::default(), async |world| {
        let root = admin(&world).await;
        world.sign_up("ada@x").await;
        let id = account(&world, &root, "ada@x").await.user_id;
        let sign_ins = futures::future::join_all((0..4).map(|_| sign_in(&world, "ada@x", PASSWORD)));
        let (opened, off) = tokio::join!(sign_ins, disable(&world, &root, &id));
        off.unwrap();
        for tokens in opened.into_iter().flatten().filter_map(|answer| answer.tokens) {
            assert_eq!(world.verifier.verify(&tokens.access_token), Err(TokenError::Revoked));
        }
    })
    .await;
}
