//! What goes with songs and accounts that are gone.

use crate::{Error, role::Role};
use segue_domain::{SongId, Timestamp, UserId};

/// Likes that end at a time, and plays that are deleted at a time. Below what one batch of counting takes.
const BATCH: u32 = 200;

impl Role {
    /// Forgets the counts of a song and who likes it. That somebody heard it stays in their history.
    pub(crate) async fn end_song(&self, song: SongId) -> Result<(), Error> {
        self.library.stats.end(song).await?;
        loop {
            let users = self.library.stats.likers(song, BATCH).await?;
            if users.is_empty() {
                return Ok(());
            }
            self.library.likes.forget(song, &users).await?;
            self.library.stats.forget_likers(song, &users).await?;
        }
    }

    /// Deletes what an account liked and heard. Its likes count no longer; what it heard stays in the counts, which name
    /// nobody.
    pub(crate) async fn end_library(&self, user: UserId) -> Result<(), Error> {
        self.library.libraries.close(user).await?;
        while self.library.likes.end(user, BATCH).await? > 0 {}
        self.forget_history(user, Timestamp(i64::MAX)).await?;
        Ok(())
    }
}
