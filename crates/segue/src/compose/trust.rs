//! Keys and ended sessions in a process that does not run the identity role.

use crate::compose::Probe;
use segue_identity::{Ended, hear_revocations};
use segue_mesh::{Channel, RoleSigner, Verifier};
use segue_ports::bus::Bus;
use segue_proto::identity::v1::{
    GetJwksRequest, ListRevocationsRequest, identity_service_client::IdentityServiceClient,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// A key is published 15 minutes before it signs.
const KEYS_EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);
/// 50,000 sessions and as many accounts.
const MOST_BYTES: usize = 8 << 20;

/// Keeps a verifier in step with identity, wherever that runs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) identity: Channel,
    pub(crate) role: RoleSigner,
    pub(crate) verifier: Verifier,
    pub(crate) bus: Arc<dyn Bus>,
}

impl Trust {
    /// Until shutdown. `known` is set once the keys are there: without them every token is refused.
    pub(crate) async fn run(self, known: Probe, stop: CancellationToken) {
        let source = self.clone();
        tokio::join!(
            self.keys(known, &stop),
            hear_revocations(
                Arc::clone(&self.bus),
                self.verifier.clone(),
                move || {
                    let source = source.clone();
                    async move { source.ended().await }
                },
                stop.clone(),
            ),
        );
    }

    async fn keys(&self, known: Probe, stop: &CancellationToken) {
        let mut last = String::new();
        loop {
            let pause = match self.jwks().await {
                Ok(jwks) => {
                    if jwks != last {
                        match segue_mesh::verifying_keys(&jwks) {
                            Some(keys) => self.verifier.set_user_keys(&keys),
                            None => tracing::error!("identity published keys that cannot be read"),
                        }
                        last = jwks;
                    }
                    known.set(true);
                    KEYS_EVERY
                }
                Err(status) => {
                    // The keys that are known stay good.
                    tracing::warn!(code = ?status.code(), "cannot ask identity for its keys");
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn jwks(&self) -> Result<String, tonic::Status> {
        let mut request = Request::new(GetJwksRequest {});
        request.set_timeout(LIMIT);
        let mut identity = IdentityServiceClient::new(self.identity.clone());
        Ok(identity.get_jwks(request).await?.into_inner().jwks_json)
    }

    async fn ended(&self) -> anyhow::Result<Ended> {
        let mut request = Request::new(ListRevocationsRequest {});
        request.set_timeout(LIMIT);
        let token = format!("Bearer {}", self.role.token()?);
        request.metadata_mut().insert("authorization", token.parse()?);
        let mut identity =
            IdentityServiceClient::new(self.identity.clone()).max_decoding_message_size(MOST_BYTES);
        let answer = identity.list_revocations(request).await?.into_inner();
        Ok(Ended {
            sessions: answer.session_ids.iter().map(|s| s.parse()).collect::<Result<_, _>>()?,
            users: answer.user_ids.iter().map(|u| u.parse()).collect::<Result<_, _>>()?,
        })
    }
}
