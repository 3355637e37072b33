//! Forgets what is remembered for repeats and is old.

use crate::{Error, role::Role};

/// Playlists of one round and shard.
const BATCH: u32 = 500;

impl Role {
    /// One round. What is left over has its turn in the next.
    pub(crate) async fn sweep(&self) {
        if let Err(error) = self.sweep_once().await {
            tracing::warn!(%error, "old requests cannot be forgotten now");
        }
    }

    async fn sweep_once(&self) -> Result<(), Error> {
        let moment = self.now().minus(self.config.request_memory());
        for playlist in self.playlists.remembering(moment, BATCH).await? {
            self.playlists.forget(playlist, moment).await?;
        }
        Ok(())
    }
}
