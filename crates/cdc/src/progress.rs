//! How far a source was carried, for those that look after it meanwhile.

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    rounds: u64,
    published: u64,
    confirmed: u64,
}

/// Shared by the loop that publishes and the tasks beside it.
#[derive(Debug, Default)]
pub(crate) struct Progress(watch::Sender<Seen>);

impl Progress {
    /// A round ended well; `facts` were published in it, perhaps none.
    pub(crate) fn round(&self, facts: usize) {
        self.0.send_modify(|seen| {
            seen.rounds += 1;
            seen.published += facts as u64;
        });
    }

    /// Returns after the first round.
    pub(crate) async fn begun(&self) {
        // The sender is here, so it is never closed.
        let _ = self.0.subscribe().wait_for(|seen| seen.rounds > 0).await;
    }

    /// Facts that were published so far.
    pub(crate) fn published(&self) -> u64 {
        self.0.borrow().published
    }

    /// Everything that was committed before this position of the log is published.
    pub(crate) fn confirm(&self, position: u64) {
        self.0.send_if_modified(|seen| {
            seen.confirmed = position;
            false
        });
    }

    /// The position that was confirmed last; 0 before the first.
    pub(crate) fn confirmed(&self) -> u64 {
        self.0.borrow().confirmed
    }
}
