//! What an account owned when it is gone: its songs go to its heir, or are deleted.

use crate::{
    Error,
    repository::{Entry, Names},
    role::Role,
    transition,
};
use segue_domain::UserId;

/// Songs that are looked up at a time.
const BATCH: u32 = 100;

impl Role {
    /// Hands over or deletes every song of an account that is gone. Repeating it changes nothing.
    pub(crate) async fn user_gone(&self, owner: UserId, heir: Option<UserId>) -> Result<(), Error> {
        // Before its songs are looked up: whoever hands songs to this account meanwhile looks here afterwards.
        self.gone.put(owner, heir).await?;
        let mut succession = self.gone.succession(owner);
        while let Some((owner, heir)) = succession.next().await? {
            match heir {
                Some(heir) => self.hand_over(owner, heir).await?,
                None => self.delete_of(owner).await?,
            }
        }
        Ok(())
    }

    async fn hand_over(&self, owner: UserId, heir: UserId) -> Result<(), Error> {
        loop {
            let songs = self.songs.of_owner(owner, BATCH).await?;
            if songs.is_empty() {
                break;
            }
            for id in songs {
                let song =
                    self.songs.change(id, |song| Ok(transition::handed_over(song, owner, heir))).await?;
                // The fact brings it to the heir's list and takes it off the shelves of the old owner; that one's list is
                // known here only. Nobody can ask for it any more, so nothing is lost when this is not reached.
                let left = Entry { owner, deleted: true, names: Names::default(), ..Entry::of(&song) };
                self.list.apply(&left).await?;
            }
        }
        // Waiting songs wait for the heir's turn now.
        self.release(heir).await
    }

    /// Deletes every song of an account that is gone. Repeating it changes nothing.
    async fn delete_of(&self, owner: UserId) -> Result<(), Error> {
        loop {
            let songs = self.songs.of_owner(owner, BATCH).await?;
            if songs.is_empty() {
                return Ok(());
            }
            for song in songs {
                let now = self.now();
                self.songs.change(song, |song| Ok(transition::deleted(song, now))).await?;
            }
        }
    }
}
