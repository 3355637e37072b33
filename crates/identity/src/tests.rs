//! The role as its callers see it, on every engine of the store.

mod administration;
mod credential;
mod first_account;
mod keys;
mod profile;
mod refresh;
mod revocation;
mod server;
mod session_list;
mod sign_in;
mod sign_up;
mod test_bus;

use crate::{Deps, Error, Identity, IdentityConfig};
use sea_orm::{ConnectionTrait, Statement};
use segue_domain::{ManualClock, Timestamp};
use segue_mesh::{Caller, Verifier, VerifierConfig};
use segue_proto::{
    event::v1::Event,
    identity::v1::{SignUpRequest, SignUpResponse, Tokens, identity_service_server::IdentityService},
};
use segue_store::testing::{TestStore, stores};
use std::{future::Future, sync::Arc};
use test_bus::TestBus;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// One process with the identity role, and what it stands on.
pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) verifier: Verifier,
    pub(crate) clock: ManualClock,
    pub(crate) bus: Arc<TestBus>,
    pub(crate) test: Arc<TestStore>,
}

impl World {
    async fn new(
        config: IdentityConfig,
        test: Arc<TestStore>,
        clock: ManualClock,
        bus: Arc<TestBus>,
    ) -> Self {
        let verifier = Verifier::new(VerifierConfig::default(), Arc::new(clock.clone()));
        let deps = Deps {
            store: test.store.clone(),
            bus: bus.clone(),
            verifier: verifier.clone(),
            clock: Arc::new(clock.clone()),
        };
        let identity = Identity::new(config, deps).await.unwrap();
        Self { identity, verifier, clock, bus, test }
    }

    /// Another process on the same database and bus.
    pub(crate) async fn neighbour(&self) -> Self {
        let config = self.identity.inner.config.clone();
        Self::new(config, self.test.clone(), self.clock.clone(), self.bus.clone()).await
    }

    /// A request as it looks after authentication.
    pub(crate) fn signed<T>(&self, tokens: &Tokens, message: T) -> Request<T> {
        let caller: Caller = self.verifier.verify(&tokens.access_token).expect("the access token is good");
        let mut request = Request::new(message);
        request.extensions_mut().insert(caller);
        request
    }

    pub(crate) async fn sign_up(&self, email: &str) -> Tokens {
        let request = SignUpRequest { email: email.into(), password: PASSWORD.into(), ..Default::default() };
        self.try_sign_up(request).await.unwrap().tokens.unwrap()
    }

    pub(crate) async fn try_sign_up(&self, request: SignUpRequest) -> Result<SignUpResponse, Status> {
        self.identity.sign_up(Request::new(request)).await.map(tonic::Response::into_inner)
    }

    /// Facts in the outbox, oldest first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let db = self.identity.primary();
        let sql = "SELECT payload FROM identity_outbox ORDER BY created_at, event_id";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let payload = |r: &sea_orm::QueryResult| r.try_get::<Vec<u8>>("", "payload").unwrap();
        rows.iter().map(|r| prost::Message::decode(payload(r).as_slice()).unwrap()).collect()
    }

    pub(crate) async fn event_types(&self) -> Vec<String> {
        self.events().await.into_iter().map(|e| e.r#type).collect()
    }

    /// What cdc does: everything in the outbox goes to the bus, again if need be.
    pub(crate) async fn relay(&self) {
        for event in self.events().await {
            self.bus.say(&event);
        }
    }
}

/// Runs a scenario on every engine.
pub(crate) async fn everywhere<F: Future<Output = ()>>(
    config: IdentityConfig,
    scenario: impl Fn(World) -> F,
) {
    for test in stores().await {
        eprintln!("engine: {}", test.engine);
        Identity::migrate(&test.store).await.unwrap();
        let clock = ManualClock::new(Timestamp::from_seconds(1_800_000_000));
        scenario(World::new(config.clone(), Arc::new(test), clock, Arc::default()).await).await;
    }
}

/// The code and the reason that a program sees.
pub(crate) fn refusal<T>(result: Result<T, Status>) -> (Code, String) {
    let status = result.err().expect("the call is refused");
    (status.code(), status.get_error_details().error_info().expect("every error has a reason").reason.clone())
}

/// The fields at fault.
pub(crate) fn fields<T>(result: Result<T, Status>) -> Vec<String> {
    let status = result.err().expect("the call is refused");
    assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
    let details = status.get_error_details();
    details
        .bad_request()
        .map(|b| b.field_violations.iter().map(|v| v.field.clone()).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_start() {
    everywhere(IdentityConfig::default(), async |world| {
        let config = IdentityConfig { session_days: 0, ..Default::default() };
        let result = Identity::new(config, world.identity.inner.deps.clone()).await;
        assert!(matches!(result, Err(Error::Config(_))));
    })
    .await;
}

#[tokio::test]
async fn tables_can_be_made_twice() {
    everywhere(IdentityConfig::default(), async |world| Identity::migrate(&world.test.store).await.unwrap())
        .await;
}
