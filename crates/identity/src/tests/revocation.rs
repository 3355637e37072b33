use super::{PASSWORD, World, everywhere};
use crate::IdentityConfig;
use segue_mesh::TokenError;
use segue_ports::bus::Heard;
use segue_proto::identity::v1::{
    DeleteMeRequest, SignOutRequest, Tokens, identity_service_server::IdentityService,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn sign_out(world: &World, tokens: &Tokens) {
    world.identity.sign_out(world.signed(tokens, SignOutRequest {})).await.unwrap();
}

async fn eventually(what: &str, check: impl Fn() -> bool) {
    for _ in 0..500 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 5 s: {what}");
}

fn refused(world: &World, tokens: &Tokens) -> bool {
    world.verifier.verify(&tokens.access_token) == Err(TokenError::Revoked)
}

#[tokio::test]
async fn another_process_hears_of_ended_sessions_and_accounts() {
    everywhere(IdentityConfig::default(), async |world| {
        let neighbour = world.neighbour().await;
        let shutdown = CancellationToken::new();
        let identity = neighbour.identity.clone();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { identity.run(stop).await });
        eventually("it listens", || world.bus.listeners() == 1).await;

        let (ada, bob, eve) =
            (world.sign_up("ada@x").await, world.sign_up("bob@x").await, world.sign_up("eve@x").await);
        sign_out(&world, &ada).await;
        let request = DeleteMeRequest { password: PASSWORD.into(), ..Default::default() };
        world.identity.delete_me(world.signed(&bob, request)).await.unwrap();
        world.relay().await;
        eventually("both are refused", || refused(&neighbour, &ada) && refused(&neighbour, &bob)).await;
        assert!(!refused(&neighbour, &eve));

        // Nothing is relayed: a gap makes it ask the database.
        sign_out(&world, &eve).await;
        assert!(!refused(&neighbour, &eve));
        world.bus.hear(Heard::Gap);
        eventually("what was missed is loaded", || refused(&neighbour, &eve)).await;

        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), task).await.expect("it stops").unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_process_that_starts_knows_what_ended_before() {
    everywhere(IdentityConfig::default(), async |world| {
        let (ada, bob) = (world.sign_up("ada@x").await, world.sign_up("bob@x").await);
        sign_out(&world, &ada).await;
        let request = DeleteMeRequest { password: PASSWORD.into(), ..Default::default() };
        world.identity.delete_me(world.signed(&bob, request)).await.unwrap();
        world.clock.advance(Duration::from_secs(14 * 60));
        let late = world.neighbour().await;
        assert!(refused(&late, &ada) && refused(&late, &bob));
    })
    .await;
}
