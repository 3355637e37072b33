use super::{PASSWORD, World, everywhere, refusal};
use crate::{IdentityConfig, refresh_token::RefreshToken};
use segue_domain::SessionId;
use segue_proto::identity::v1::{
    DeleteMeRequest, RefreshSessionRequest, SignOutRequest, Tokens, identity_service_server::IdentityService,
};
use std::time::Duration;
use tonic::{Code, Request, Status};

async fn refresh(world: &World, token: &str) -> Result<Tokens, Status> {
    let request = RefreshSessionRequest { refresh_token: token.into() };
    world.identity.refresh_session(Request::new(request)).await.map(|r| r.into_inner().tokens.unwrap())
}

fn invalid() -> (Code, String) {
    (Code::Unauthenticated, "REFRESH_TOKEN_INVALID".into())
}

fn reused() -> (Code, String) {
    (Code::Unauthenticated, "REFRESH_TOKEN_REUSED".into())
}

#[tokio::test]
async fn a_session_goes_on_as_long_as_it_is_renewed() {
    everywhere(IdentityConfig::default(), async |world| {
        let mut tokens = world.sign_up("ada@x").await;
        for _ in 0..4 {
            world.clock.advance(Duration::from_secs(50 * 24 * 3600));
            world.identity.maintain_keys().await.unwrap();
            let next = refresh(&world, &tokens.refresh_token).await.unwrap();
            assert_eq!(next.session_id, tokens.session_id);
            assert_ne!(next.refresh_token, tokens.refresh_token);
            assert!(world.verifier.verify(&next.access_token).is_ok());
            tokens = next;
        }
        world.clock.advance(Duration::from_secs(60 * 24 * 3600));
        assert_eq!(refusal(refresh(&world, &tokens.refresh_token).await), invalid());
    })
    .await;
}

#[tokio::test]
async fn using_an_old_token_again_ends_the_session_however_old_it_is() {
    everywhere(IdentityConfig::default(), async |world| {
        for renewals in [1, 3] {
            let first = world.sign_up(&format!("ada{renewals}@x")).await;
            let mut newest = first.clone();
            for _ in 0..renewals {
                newest = refresh(&world, &newest.refresh_token).await.unwrap();
            }
            assert_eq!(refusal(refresh(&world, &first.refresh_token).await), reused());
            assert_eq!(refusal(refresh(&world, &newest.refresh_token).await), invalid());
            for tokens in [&first, &newest] {
                assert!(
                    world.verifier.verify(&tokens.access_token).is_err(),
                    "its access tokens are refused"
                );
            }
            let told = world.events().await.into_iter().filter(|e| e.subject == first.session_id);
            assert_eq!(told.map(|e| e.sequence).collect::<Vec<_>>(), [renewals + 2]);
        }
    })
    .await;
}

#[tokio::test]
async fn one_of_two_renewals_at_once_is_a_reuse() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let (a, b) =
            tokio::join!(refresh(&world, &tokens.refresh_token), refresh(&world, &tokens.refresh_token));
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        let refused = refusal(lost);
        assert!(refused == reused(), "{refused:?}");
        assert_eq!(refusal(refresh(&world, &won.unwrap().refresh_token).await), invalid());
    })
    .await;
}

#[tokio::test]
async fn a_made_up_token_ends_nobodys_session() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let forged = RefreshToken::first(tokens.session_id.parse().unwrap()).text();
        let unknown = RefreshToken::first(SessionId::new()).text();
        for bad in [forged.as_str(), &unknown, "", "garbage", &tokens.access_token, &"A".repeat(1 << 20)] {
            assert_eq!(refusal(refresh(&world, bad).await), invalid());
        }
        assert!(refresh(&world, &tokens.refresh_token).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_cannot_be_renewed() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        world.identity.sign_out(world.signed(&tokens, SignOutRequest {})).await.unwrap();
        assert_eq!(refusal(refresh(&world, &tokens.refresh_token).await), invalid());

        let tokens = world.sign_up("bob@x").await;
        let request = DeleteMeRequest { password: PASSWORD.into(), ..Default::default() };
        world.identity.delete_me(world.signed(&tokens, request)).await.unwrap();
        assert_eq!(refusal(refresh(&world, &tokens.refresh_token).await), invalid());
    })
    .await;
}
