use super::everywhere;
use crate::{ACCESS_TOKEN_LIFE, IdentityConfig};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_domain::{Clock, Timestamp};
use segue_mesh::{TokenError, Verifier, VerifierConfig, VerifyingKey};
use segue_proto::identity::v1::{
    GetJwksRequest, RefreshSessionRequest, Tokens, identity_service_server::IdentityService,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tonic::Request;

fn key_id(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn keys_of(jwks: &str) -> Vec<VerifyingKey> {
    let set: serde_json::Value = serde_json::from_str(jwks).unwrap();
    let key = |k: &serde_json::Value| {
        assert_eq!(
            (k["kty"].as_str(), k["crv"].as_str(), k["alg"].as_str()),
            (Some("OKP"), Some("Ed25519"), Some("EdDSA"))
        );
        assert!(k.get("d").is_none(), "never a private key");
        let public = URL_SAFE_NO_PAD.decode(k["x"].as_str().unwrap()).unwrap().try_into().unwrap();
        VerifyingKey { id: k["kid"].as_str().unwrap().to_owned(), public }
    };
    set["keys"].as_array().unwrap().iter().map(key).collect()
}

/// Three days with a key a day, the hours around each change in steps of three minutes. Two processes sign in
/// turn and verify each other's tokens; a third knows only what it fetched as JWKS, once per life of an access token.
#[tokio::test]
async fn keys_rotate_and_no_good_token_is_refused() {
    let config = IdentityConfig { signing_key_days: 1, ..Default::default() };
    everywhere(config, async |world| {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let neighbour = world.neighbour().await;
        let distant = Verifier::new(VerifierConfig::default(), Arc::new(world.clock.clone()));
        let mut tokens = world.sign_up("ada@x").await;
        let mut used = BTreeSet::new();
        for day in 0..3 {
            let mut live: Vec<(Timestamp, String)> = Vec::new();
            world.clock.advance(minutes(if day == 0 { 23 * 60 + 30 } else { 22 * 60 + 30 }));
            for n in 0..30 {
                if n % 5 == 0 {
                    let jwks =
                        world.identity.get_jwks(Request::new(GetJwksRequest {})).await.unwrap().into_inner();
                    distant.set_user_keys(&keys_of(&jwks.jwks_json));
                }
                let signer = if n % 2 == 0 { &world } else { &neighbour };
                signer.identity.maintain_keys().await.unwrap();
                let request = RefreshSessionRequest { refresh_token: tokens.refresh_token.clone() };
                let answer = signer.identity.refresh_session(Request::new(request)).await.unwrap();
                tokens = answer.into_inner().tokens.unwrap();
                used.insert(key_id(&tokens.access_token));
                live.push((world.clock.now().plus(ACCESS_TOKEN_LIFE), tokens.access_token.clone()));
                live.retain(|(end, _)| *end > world.clock.now());
                for verifier in [&world.verifier, &neighbour.verifier, &distant] {
                    for (_, token) in &live {
                        let verified = verifier.verify(token);
                        assert!(verified.is_ok(), "day {day} step {n}: {verified:?}");
                    }
                }
                world.clock.advance(minutes(3));
            }
        }
        assert_eq!(used.len(), 4, "a key a day");
        assert_eq!(keys_of(&world.identity.jwks()).len(), 1, "old keys are dropped");
    })
    .await;
}

#[tokio::test]
async fn a_token_of_a_retired_key_is_refused() {
    everywhere(IdentityConfig::default(), async |world| {
        let old: Tokens = world.sign_up("ada@x").await;
        // A successor is made, and signs; after the last token's life the old key is dropped.
        for wait in [Duration::from_secs(30 * 24 * 3600), ACCESS_TOKEN_LIFE, Duration::from_secs(3600)] {
            world.clock.advance(wait);
            world.identity.maintain_keys().await.unwrap();
        }
        let ids: Vec<_> = keys_of(&world.identity.jwks()).into_iter().map(|k| k.id).collect();
        assert_eq!(ids.len(), 1);
        assert!(!ids.contains(&key_id(&old.access_token)));
        assert_eq!(world.verifier.verify(&old.access_token), Err(TokenError::Invalid));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_starts_again_keeps_its_keys() {
    everywhere(IdentityConfig::default(), async |world| {
        let tokens = world.sign_up("ada@x").await;
        let again = world.neighbour().await;
        assert_eq!(again.identity.jwks(), world.identity.jwks());
        assert!(again.verifier.verify(&tokens.access_token).is_ok());
    })
    .await;
}
