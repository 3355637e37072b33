//! What the role does by itself.

use crate::{Identity, hear_revocations, sessions};
use segue_store::StoreError;
use std::{future::Future, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Well within an access token's life, which is what key rotation needs.
const KEYS_EVERY: Duration = Duration::from_secs(60);
const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);
const PRUNE_BATCH: u64 = 500;
/// Ended sessions stay so long, for revocations to be loaded from and for repeats of RevokeSession.
const KEEP_ENDED: Duration = Duration::from_secs(24 * 3600);

impl Identity {
    /// Rotates keys, removes old sessions and listens for sessions that ended elsewhere, until shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::join!(
            every(KEYS_EVERY, &shutdown, "signing keys", || self.inner.keys.maintain(self.now())),
            every(PRUNE_EVERY, &shutdown, "old sessions", || self.prune()),
            hear_revocations(
                Arc::clone(&self.inner.deps.bus),
                self.inner.deps.verifier.clone(),
                || self.ended(),
                shutdown.clone(),
            ),
        );
    }

    /// Removes sessions that expired, or ended a day ago, in small steps so that others can write between.
    pub(crate) async fn prune(&self) -> Result<(), StoreError> {
        let now = self.now();
        while sessions::prune(&self.primary(), now, now.minus(KEEP_ENDED), PRUNE_BATCH).await? == PRUNE_BATCH
        {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) async fn maintain_keys(&self) -> Result<(), StoreError> {
        self.inner.keys.maintain(self.now()).await
    }
}

async fn every<F: Future<Output = Result<(), StoreError>>>(
    period: Duration,
    shutdown: &CancellationToken,
    what: &'static str,
    mut work: impl FnMut() -> F,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        if let Err(error) = work().await {
            tracing::warn!(%error, "maintenance of {what} failed; it is repeated");
        }
    }
}
