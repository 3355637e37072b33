//! Fairness: at most K encodings of one owner are on the bus; the rest wait in their rows for their turn.

use crate::{Error, role::Role, transition};
use segue_domain::UserId;
use std::array;
use tokio::sync::Mutex;

/// Locks for owners.
const STRIPES: usize = 64;

/// Decisions about one owner's share are made one at a time in this process. Two processes may overrun it by one each.
#[derive(Debug)]
pub(crate) struct Turns([Mutex<()>; STRIPES]);

impl Default for Turns {
    fn default() -> Self {
        Self(array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// The lock of an owner; owners may share one.
    pub(crate) fn of(&self, owner: UserId) -> &Mutex<()> {
        // The end of a UUIDv7 is random.
        &self.0[usize::from(owner.bytes()[15]) % STRIPES]
    }
}

impl Role {
    /// True when one more encoding of the owner may go to the bus. Ask under the owner's turn.
    pub(crate) async fn may_run(&self, owner: UserId) -> Result<bool, Error> {
        Ok(self.songs.running(owner).await? < u64::from(self.config.encodings_per_owner))
    }

    /// Lets as many of the owner's waiting songs go as the share allows, longest waiting first.
    pub(crate) async fn release(&self, owner: UserId) -> Result<(), Error> {
        // Most owners never wait, and this is asked after every encoding.
        while self.songs.waiting(owner).await?.is_some() {
            let _turn = self.turns.of(owner).lock().await;
            if !self.may_run(owner).await? {
                return Ok(());
            }
            let Some(song) = self.songs.waiting(owner).await? else { return Ok(()) };
            self.songs.change(song, |song| Ok(transition::released(song))).await?;
        }
        Ok(())
    }

    /// The sweep behind it: a crash between the end of an encoding and the release that follows delays nobody
    /// for longer than this takes to come round.
    pub(crate) async fn release_all(&self) {
        let owners = match self.songs.waiting_owners(self.config.reap_batch).await {
            Ok(owners) => owners,
            Err(error) => return tracing::warn!(%error, "waiting songs cannot be looked up"),
        };
        for owner in owners {
            if let Err(error) = self.release(owner).await {
                tracing::warn!(%error, user.id = %owner, "waiting songs cannot be released");
            }
        }
    }
}
