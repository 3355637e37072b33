//! What goes on beside the calls: tallies that were left behind are added, and notes that have served are deleted.

use crate::{Error, role::Role};
use segue_domain::Timestamp;
use std::time::Duration;

/// A tally that has waited for longer was left behind: its fact is lost, or among the dead letters.
const LATE: Duration = Duration::from_secs(60);
/// For so long it is known which tallies were added: whoever read one has added it by then, or is dead.
const SERVE: Duration = Duration::from_secs(24 * 3600);
/// By how much the clocks of two processes may differ.
const SKEW: Duration = Duration::from_secs(3600);
/// Accounts in one round, and notes that are looked for at a time.
const MOST: u32 = 500;
/// Deletions in one round.
const ROUNDS: u32 = 20;

impl Role {
    /// One round, bounded. What it does not get to, or fails at, comes in a later one.
    pub(crate) async fn sweep_library(&self) {
        if let Err(error) = self.count_late().await {
            tracing::warn!(%error, "plays and likes that were left behind cannot be counted");
        }
        if let Err(error) = self.forget_counted().await {
            tracing::warn!(%error, "notes of what was counted cannot be deleted");
        }
    }

    async fn count_late(&self) -> Result<(), Error> {
        let late = self.library.libraries.overdue(self.now().minus(LATE), MOST).await?;
        if !late.is_empty() {
            tracing::info!(accounts = late.len(), "plays and likes were left behind and are counted now");
        }
        for user in late {
            self.count(user).await?;
        }
        Ok(())
    }

    pub(crate) async fn forget_counted(&self) -> Result<(), Error> {
        let mut until: Timestamp = self.now().minus(SERVE);
        if let Some(oldest) = self.library.libraries.oldest_tally().await? {
            until = until.min(oldest.minus(SKEW));
        }
        for _ in 0..ROUNDS {
            if !self.library.stats.forget_applied(until, MOST).await? {
                break;
            }
        }
        Ok(())
    }
}
