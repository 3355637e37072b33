//! Adds what libraries have tallied to the counts of songs.

use crate::{
    Error,
    library::repository::{Applied, Pending},
    role::Role,
};
use futures::{StreamExt, TryStreamExt, stream};
use segue_domain::{SongId, UserId};
use std::collections::BTreeMap;

/// Tallies that are read at a time: more than one change writes.
const BATCH: u32 = 1_000;
/// Songs whose counts are written at a time.
const AT_ONCE: usize = 4;

impl Role {
    /// Adds all tallies of an account, each once however often this runs, also at the same time.
    pub(crate) async fn count(&self, user: UserId) -> Result<(), Error> {
        loop {
            let (pending, more) = self.library.libraries.pending(user, BATCH).await?;
            let Some(last) = pending.last().map(|tally| tally.sequence) else { return Ok(()) };
            let mut songs: BTreeMap<SongId, Vec<Pending>> = BTreeMap::new();
            for tally in pending {
                songs.entry(tally.song).or_default().push(tally);
            }
            stream::iter(songs)
                .map(Ok::<_, Error>)
                .try_for_each_concurrent(AT_ONCE, |(song, tallies)| self.count_song(song, user, tallies))
                .await?;
            (self.crash)("library-counted");
            self.library.libraries.settle(user, last).await?;
            if !more {
                return Ok(());
            }
        }
    }

    async fn count_song(&self, song: SongId, user: UserId, tallies: Vec<Pending>) -> Result<(), Error> {
        let applied = self.library.stats.add(song, user, &tallies).await?;
        if applied == Applied::Gone && tallies.iter().any(|pending| pending.tally.likes != 0) {
            // It was liked while it was deleted.
            self.library.likes.forget(song, &[user]).await?;
        }
        Ok(())
    }
}
