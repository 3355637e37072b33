//! Keys that sign access tokens: made, published, used, retired.
//!
//! A key is published one access-token life before it signs, so that a verifier that looks once in that time
//! knows it when the first token comes. It is dropped when the last token it signed has ended, and some more
//! for clocks that differ.

use crate::{ACCESS_TOKEN_LIFE, Error, entity::signing_key, identity::home};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder};
use segue_domain::Timestamp;
use segue_mesh::{Claims, Verifier, VerifyingKey};
use segue_store::{Store, StoreError};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// How much longer than its tokens a key is kept.
const RETIRE_MARGIN: Duration = Duration::from_secs(5 * 60);

/// The keys of this process, in step with the database after each [`KeyRing::maintain`].
pub(crate) struct KeyRing {
    store: Store,
    verifier: Verifier,
    life: Duration,
    /// Oldest first.
    keys: RwLock<Arc<Vec<Key>>>,
}

struct Key {
    number: i64,
    seed: [u8; 32],
    public: VerifyingKey,
    signs_from: Timestamp,
}

impl KeyRing {
    /// Loads the keys, makes the first one when there is none, and gives them to the verifier.
    pub(crate) async fn open(
        store: Store,
        verifier: Verifier,
        life: Duration,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let ring = Self { store, verifier, life, keys: RwLock::default() };
        ring.maintain(now).await?;
        Ok(ring)
    }

    /// Makes a successor in time, drops keys whose tokens have ended, and takes in what other processes made.
    /// Several processes may do this at once. To be repeated well within [`ACCESS_TOKEN_LIFE`].
    pub(crate) async fn maintain(&self, now: Timestamp) -> Result<(), StoreError> {
        let keys = self.load().await?;
        match keys.last() {
            None => self.make(1, now, now).await?,
            Some(newest) if now.plus(ACCESS_TOKEN_LIFE) >= newest.signs_from.plus(self.life) => {
                self.make(newest.number + 1, now, now.plus(ACCESS_TOKEN_LIFE)).await?;
            }
            Some(_) => {}
        }
        let keep = ACCESS_TOKEN_LIFE + RETIRE_MARGIN;
        for pair in keys.windows(2) {
            if now >= pair[1].signs_from.plus(keep) {
                signing_key::Entity::delete_by_id(pair[0].number).exec(&self.store.primary(&home())).await?;
                tracing::info!(key.id = pair[0].public.id, "signing key retired");
            }
        }
        self.publish(self.load().await?);
        Ok(())
    }

    /// Signs with the newest key whose time has come.
    pub(crate) fn sign(&self, claims: &Claims, now: Timestamp) -> Result<String, Error> {
        let keys = self.current();
        let key = keys.iter().rev().find(|k| k.signs_from <= now).or(keys.first());
        let key = key.ok_or_else(|| Error::internal("there is no signing key"))?;
        segue_mesh::sign_token(&key.public.id, &key.seed, claims).map_err(Error::internal)
    }

    /// JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037).
    pub(crate) fn jwks(&self) -> String {
        let keys = self.current();
        let jwk = |k: &Key| {
            let x = URL_SAFE_NO_PAD.encode(k.public.public);
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": k.public.id, "x": x })
        };
        json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }).to_string()
    }

    fn current(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, keys: Vec<Key>) {
        let same = self.current().iter().map(|k| &k.public.id).eq(keys.iter().map(|k| &k.public.id));
        if same {
            return;
        }
        // First who verifies, then who signs: no token is out before its key is known here.
        let public: Vec<_> = keys.iter().map(|k| k.public.clone()).collect();
        self.verifier.set_user_keys(&public);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    async fn load(&self) -> Result<Vec<Key>, StoreError> {
        let query = signing_key::Entity::find().order_by_asc(signing_key::Column::Number);
        let rows = query.all(&self.store.primary(&home())).await?;
        rows.into_iter().map(Key::from_row).collect()
    }

    async fn make(&self, number: i64, now: Timestamp, signs_from: Timestamp) -> Result<(), StoreError> {
        let seed: [u8; 32] = rand::random();
        let row = signing_key::Model {
            number,
            seed: seed.to_vec(),
            created_at: now.millis(),
            signs_from: signs_from.millis(),
        };
        let insert = signing_key::Entity::insert(row.into_active_model());
        match insert.exec_without_returning(&self.store.primary(&home())).await.map_err(StoreError::from) {
            Ok(_) => {
                tracing::info!(key.number = number, "signing key made");
                Ok(())
            }
            // Another process was first; its key is as good.
            Err(StoreError::Duplicate) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Key {
    fn from_row(row: signing_key::Model) -> Result<Self, StoreError> {
        let seed: [u8; 32] =
            row.seed.try_into().map_err(|_| StoreError::corrupt("a signing key's seed is not 32 bytes"))?;
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let public = VerifyingKey { id: thumbprint(&public), public };
        Ok(Self { number: row.number, seed, public, signs_from: Timestamp(row.signs_from) })
    }
}

/// The key's id: its JWK thumbprint (RFC 7638, RFC 8037 appendix A.3).
fn thumbprint(public: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_8037() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public.try_into().unwrap()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
