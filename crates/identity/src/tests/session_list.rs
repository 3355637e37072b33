use super::{PASSWORD, World, everywhere, fields, refusal};
use crate::IdentityConfig;
use segue_domain::SessionId;
use segue_mesh::TokenError;
use segue_proto::identity::v1::{
    ListSessionsRequest, ListSessionsResponse, RevokeSessionRequest, SignInRequest, Tokens,
    identity_service_server::IdentityService,
};
use std::time::Duration;
use tonic::{Code, Request, Status};

async fn sign_in(world: &World, device: &str) -> Tokens {
    let request = SignInRequest { email: "ada@x".into(), password: PASSWORD.into(), device: device.into() };
    world.identity.sign_in(Request::new(request)).await.unwrap().into_inner().tokens.unwrap()
}

async fn list(
    world: &World,
    tokens: &Tokens,
    page_size: i32,
    token: &str,
) -> Result<ListSessionsResponse, Status> {
    let request = ListSessionsRequest { page_size, page_token: token.into() };
    world.identity.list_sessions(world.signed(tokens, request)).await.map(tonic::Response::into_inner)
}

async fn revoke(world: &World, tokens: &Tokens, session: &str) -> Result<(), Status> {
    let request = RevokeSessionRequest { session_id: session.into() };
    world.identity.revoke_session(world.signed(tokens, request)).await.map(|_| ())
}

#[tokio::test]
async fn sessions_are_listed_newest_first_page_by_page() {
    everywhere(IdentityConfig::default(), async |world| {
        let mut newest = world.sign_up("ada@x").await;
        let mut want = vec![newest.session_id.clone()];
        for n in 0..4 {
            // Two of them at the same moment: the id decides.
            if n % 2 == 0 {
                world.clock.advance(Duration::from_secs(1));
            }
            newest = sign_in(&world, "phone").await;
            want.insert(0, newest.session_id.clone());
        }
        let mut got = Vec::new();
        let mut token = String::new();
        loop {
            let page = list(&world, &newest, 2, &token).await.unwrap();
            assert!(page.sessions.len() <= 2);
            got.extend(page.sessions);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(got.iter().map(|s| s.session_id.clone()).collect::<Vec<_>>(), want);
        assert_eq!(got.iter().map(|s| s.current).collect::<Vec<_>>(), [true, false, false, false, false]);
        assert_eq!(got[0].device, "phone");
        assert_eq!(got[0].create_time.unwrap().seconds, 1_800_000_002);
        assert_eq!(list(&world, &newest, 5, "").await.unwrap().next_page_token, "");
    })
    .await;
}

#[tokio::test]
async fn a_page_token_of_another_query_is_refused() {
    everywhere(IdentityConfig::default(), async |world| {
        let ada = world.sign_up("ada@x").await;
        sign_in(&world, "").await;
        let bob = world.sign_up("bob@x").await;
        let token = list(&world, &ada, 1, "").await.unwrap().next_page_token;
        assert!(!token.is_empty());
        assert_eq!(fields(list(&world, &bob, 1, &token).await), ["page_token"]);
        assert_eq!(fields(list(&world, &ada, 1, "garbage").await), ["page_token"]);
        assert_eq!(fields(list(&world, &ada, -1, "").await), ["page_size"]);
    })
    .await;
}

#[tokio::test]
async fn a_session_can_be_ended_from_another_one_and_twice() {
    everywhere(IdentityConfig::default(), async |world| {
        let lost = world.sign_up("ada@x").await;
        let mine = sign_in(&world, "").await;
        revoke(&world, &mine, &lost.session_id).await.unwrap();
        revoke(&world, &mine, &lost.session_id).await.unwrap();
        assert_eq!(world.verifier.verify(&lost.access_token), Err(TokenError::Revoked));
        assert_eq!(list(&world, &mine, 0, "").await.unwrap().sessions.len(), 1);
        assert_eq!(world.event_types().await.iter().filter(|t| *t == "session.revoked.v1").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_accounts_session_is_not_found_and_goes_on() {
    everywhere(IdentityConfig::default(), async |world| {
        let (ada, bob) = (world.sign_up("ada@x").await, world.sign_up("bob@x").await);
        let not_found = (Code::NotFound, "SESSION_NOT_FOUND".to_owned());
        assert_eq!(refusal(revoke(&world, &bob, &ada.session_id).await), not_found);
        assert_eq!(refusal(revoke(&world, &bob, &SessionId::new().to_string()).await), not_found);
        assert_eq!(fields(revoke(&world, &bob, "x").await), ["session_id"]);
        assert!(world.verifier.verify(&ada.access_token).is_ok());
    })
    .await;
}

#[tokio::test]
async fn old_sessions_are_removed_and_open_ones_stay() {
    everywhere(IdentityConfig::default(), async |world| {
        let old = world.sign_up("ada@x").await;
        world.clock.advance(Duration::from_secs(59 * 24 * 3600));
        world.identity.maintain_keys().await.unwrap();
        let (ended, open) = (sign_in(&world, "ended").await, sign_in(&world, "open").await);
        revoke(&world, &open, &ended.session_id).await.unwrap();
        let there = async |tokens: &Tokens| {
            let id = tokens.session_id.parse().unwrap();
            crate::sessions::find(&world.identity.primary(), id).await.unwrap().is_some()
        };
        world.identity.prune().await.unwrap();
        assert!(there(&old).await && there(&ended).await && there(&open).await);
        world.clock.advance(Duration::from_secs(25 * 3600));
        world.identity.prune().await.unwrap();
        assert!(!there(&old).await && !there(&ended).await && there(&open).await);
    })
    .await;
}
