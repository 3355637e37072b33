//! The role, put together.

use crate::{
    Error, IdentityConfig, entity::user, keys::KeyRing, migration::Migrator, password::Passwords,
    refresh_token::RefreshToken,
};
use sea_orm::{DatabaseConnection, prelude::Uuid};
use segue_domain::{Clock, SessionId, Timestamp, UserId};
use segue_mesh::{Verifier, VerifierConfig};
use segue_ports::bus::Bus;
use segue_proto::identity::v1::{self as pb, identity_service_server::IdentityServiceServer};
use segue_store::{ShardKey, Store, StoreError, Transaction};
use std::sync::Arc;

/// What the role stands on.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Where its tables are.
    pub store: Store,
    /// Where it hears of sessions that ended in other processes.
    pub bus: Arc<dyn Bus>,
    /// The verifier of this process: gets keys and revocations.
    pub verifier: Verifier,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The identity role. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: IdentityConfig,
    pub(crate) deps: Deps,
    pub(crate) passwords: Passwords,
    pub(crate) keys: KeyRing,
    pub(crate) token: VerifierConfig,
}

impl Identity {
    /// Brings identity's tables up to date. Before [`Identity::new`]; safe to repeat.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate::<Migrator>().await
    }

    /// Fails with a sentence that says what to run when a table is missing or of an older version.
    pub async fn migrated(store: &Store) -> Result<(), StoreError> {
        store.migrated::<Migrator>().await
    }

    /// Builds the role: loads (or makes) the signing keys and recent revocations, and gives them to the verifier.
    /// The tables must exist ([`Identity::migrate`]).
    pub async fn new(config: IdentityConfig, deps: Deps) -> Result<Self, Error> {
        config.check().map_err(Error::Config)?;
        let passwords = Passwords::new(config.password_hashes, config.password_queue)?;
        let life = config.signing_key_life();
        let keys = KeyRing::open(deps.store.clone(), deps.verifier.clone(), life, deps.clock.now()).await?;
        let token = VerifierConfig::default();
        let identity = Self { inner: Arc::new(Inner { config, deps, passwords, keys, token }) };
        identity.load_revocations().await?;
        Ok(identity)
    }

    /// The gRPC service, for [`segue_mesh::Server::add`].
    pub fn service(&self) -> IdentityServiceServer<Identity> {
        IdentityServiceServer::new(self.clone())
    }

    /// The public keys that verify access tokens, as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> String {
        self.inner.keys.jwks()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.deps.clock.now()
    }

    /// Reads that decide about a change, or follow one of the same caller at once.
    pub(crate) fn primary(&self) -> DatabaseConnection {
        self.inner.deps.store.primary(&home())
    }

    pub(crate) async fn begin(&self, user: UserId) -> Result<Transaction, StoreError> {
        self.inner.deps.store.begin(ShardKey::from(user)).await
    }

    /// Refuses tokens of ended sessions in this process at once; others hear of them by broadcast.
    pub(crate) fn refuse(&self, ended: &[SessionId]) {
        for session in ended {
            self.inner.deps.verifier.revoke_session(*session);
        }
    }

    /// The answer that opens a session.
    pub(crate) fn opened(
        &self,
        user: &user::Model,
        refresh: &RefreshToken,
        now: Timestamp,
    ) -> Result<(pb::User, pb::Tokens), Error> {
        let expires = now.plus(self.inner.config.session_life());
        Ok((crate::profile::answer(user), self.tokens(user, refresh, expires, now)?))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

/// Identity is not sharded: one key leads to all of its rows, for what is asked before an account is known.
pub(crate) fn home() -> ShardKey {
    const HOME: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000);
    ShardKey::from(UserId::from_uuid(HOME).expect("the constant is of version 7"))
}
