//! DeleteSong, and the deletion of all that an account owned.

use crate::{Error, access, edit::check_etag, field::id, role::Role, service::Call, transition};
use segue_domain::UserId;
use segue_proto::song::v1::{DeleteSongRequest, DeleteSongResponse};

/// Songs of a deleted account that are looked up at a time.
const BATCH: u32 = 100;

impl Role {
    pub(crate) async fn delete(
        &self,
        call: &Call,
        request: DeleteSongRequest,
    ) -> Result<DeleteSongResponse, Error> {
        let id = id("song_id", &request.song_id)?;
        let now = self.now();
        let gone = self
            .songs
            .change(id, |song| {
                // A tombstone is invisible, so a second deletion is NOT_FOUND.
                access::own(&call.caller, song)?;
                check_etag(song, &request.etag)?;
                Ok(transition::deleted(song, now))
            })
            .await?;
        // It may have held one of its owner's turns. The sweep repairs a failure here.
        if let Err(error) = self.release(gone.owner).await {
            tracing::warn!(%error, user.id = %gone.owner, "waiting songs cannot be released");
        }
        Ok(DeleteSongResponse {})
    }

    /// Deletes every song of an account that is gone. Repeating it changes nothing.
    pub(crate) async fn delete_of(&self, owner: UserId) -> Result<(), Error> {
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
