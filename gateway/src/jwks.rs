//! The public keys of access tokens, asked of identity now and then.

use segue_mesh::Channel;
use segue_proto::identity::v1::{GetJwksRequest, identity_service_client::IdentityServiceClient};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Keys are announced long before they sign, so this may be minutes.
const FRESH: Duration = Duration::from_secs(60);
/// After a failure nobody asks again for so long.
const PAUSE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);

/// A cache with one asker at a time.
pub(crate) struct Jwks {
    identity: Channel,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<str>>,
    ask_at: Option<Instant>,
}

impl Jwks {
    pub(crate) fn new(identity: Channel) -> Self {
        Self { identity, state: Mutex::default() }
    }

    /// The JSON Web Key Set: fresh, or the last one known. `None` when identity has never answered.
    pub(crate) async fn get(&self) -> Option<Arc<str>> {
        let mut state = self.state.lock().await;
        if state.ask_at.is_none_or(|at| Instant::now() >= at) {
            let pause = match self.ask().await {
                Ok(keys) => {
                    state.keys = Some(keys);
                    FRESH
                }
                Err(error) => {
                    tracing::warn!(error, "cannot read the keys of access tokens");
                    PAUSE
                }
            };
            state.ask_at = Some(Instant::now() + pause);
        }
        state.keys.clone()
    }

    async fn ask(&self) -> Result<Arc<str>, String> {
        let mut client = IdentityServiceClient::new(self.identity.clone());
        let mut request = tonic::Request::new(GetJwksRequest {});
        request.set_timeout(LIMIT);
        match tokio::time::timeout(LIMIT, client.get_jwks(request)).await {
            Ok(Ok(answer)) => Ok(answer.into_inner().jwks_json.into()),
            Ok(Err(status)) => Err(format!("{:?}: {}", status.code(), status.message())),
            Err(_) => Err("no answer in time".into()),
        }
    }
}
