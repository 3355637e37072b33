use super::{PASSWORD, World, everywhere, fields};
use crate::{IdentityConfig, sessions};
use segue_domain::Clock;
use segue_proto::identity::v1::{
    GetMeRequest, ListSessionsRequest, SignInRequest, SignInResponse, SignOutRequest,
    identity_service_server::IdentityService,
};
use std::time::{Duration, Instant};
use tonic::{Code, Request, Status};

async fn sign_in(world: &World, email: &str, password: &str) -> Result<SignInResponse, Status> {
    let request = SignInRequest { email: email.into(), password: password.into(), device: "phone".into() };
    world.identity.sign_in(Request::new(request)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn the_right_password_opens_another_session() {
    everywhere(IdentityConfig::default(), async |world| {
        let first = world.sign_up("ada@x").await;
        let answer = sign_in(&world, "ADA@x ", PASSWORD).await.unwrap();
        let tokens = answer.tokens.unwrap();
        assert_ne!(tokens.session_id, first.session_id);
        let me = world.identity.get_me(world.signed(&tokens, GetMeRequest {})).await.unwrap().into_inner();
        assert_eq!(me.user, answer.user);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_cannot_be_told_apart() {
    everywhere(IdentityConfig::default(), async |world| {
        world.sign_up("ada@x").await;
        let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            let began = Instant::now();
            let wrong = sign_in(&world, "ada@x", "wrong password").await.unwrap_err();
            known = known.min(began.elapsed());
            let began = Instant::now();
            let nobody = sign_in(&world, "nobody@x", "wrong password").await.unwrap_err();
            unknown = unknown.min(began.elapsed());
            assert_eq!(wrong.code(), Code::Unauthenticated);
            assert_eq!(
                (wrong.code(), wrong.message(), wrong.details()),
                (nobody.code(), nobody.message(), nobody.details())
            );
        }
        // A missing dummy hash would make it a hundred times faster.
        assert!(unknown * 3 > known && known * 3 > unknown, "known {known:?} unknown {unknown:?}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_password_is_not_hashed() {
    everywhere(IdentityConfig::default(), async |world| {
        assert_eq!(fields(sign_in(&world, "ada@x", "").await), ["password"]);
        assert_eq!(fields(sign_in(&world, "ada@x", &"x".repeat(1 << 20)).await), ["password"]);
        assert_eq!(fields(sign_in(&world, "ada", PASSWORD).await), ["email"]);
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_its_access_token() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let request = || world.signed(&tokens, SignOutRequest {});
        let (first, repeat) = (request(), request());
        world.identity.sign_out(first).await.unwrap();
        let error = world.verifier.verify(&tokens.access_token).unwrap_err();
        assert_eq!(error, segue_mesh::TokenError::Revoked);
        world.identity.sign_out(repeat).await.expect("repeating it is no error");
        assert_eq!(world.event_types().await, ["user.created.v1", "session.revoked.v1"]);
        let event = world.events().await.pop().unwrap();
        assert_eq!((event.subject.as_str(), event.sequence), (tokens.session_id.as_str(), 2));
    })
    .await;
}

#[tokio::test]
async fn a_method_for_users_refuses_others() {
    everywhere(IdentityConfig::default(), async |world| {
        let status = world.identity.get_me(Request::new(GetMeRequest {})).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn an_account_cannot_pile_up_sessions() {
    everywhere(IdentityConfig::default(), async |world| {
        let first = world.sign_up("ada@x").await;
        let user = sign_in(&world, "ada@x", PASSWORD).await.unwrap().user.unwrap();
        let id = user.user_id.parse().unwrap();
        let row = crate::accounts::living(&world.identity.primary(), id).await.unwrap();
        let mut ended = Vec::new();
        let mut tx = world.identity.begin(id).await.unwrap();
        for n in 2..sessions::MOST_OPEN {
            let now = world.clock.now().plus(Duration::from_millis(n));
            let life = Duration::from_secs(3600);
            sessions::open(&mut tx, &row, String::new(), now, life, &mut ended).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert!(ended.is_empty());
        world.clock.advance(Duration::from_secs(1));
        assert!(world.verifier.verify(&first.access_token).is_ok(), "100 sessions are allowed");
        world.clock.advance(Duration::from_millis(10));
        let last = sign_in(&world, "ada@x", PASSWORD).await.unwrap().tokens.unwrap();
        let request = ListSessionsRequest { page_size: 200, ..Default::default() };
        let listed = world.identity.list_sessions(world.signed(&last, request)).await.unwrap().into_inner();
        assert_eq!(listed.sessions.len() as u64, sessions::MOST_OPEN);
        assert!(world.verifier.verify(&last.access_token).is_ok());
        assert_eq!(world.event_types().await.iter().filter(|t| *t == "session.revoked.v1").count(), 1);
    })
    .await;
}
