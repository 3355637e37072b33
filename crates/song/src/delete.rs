//! DeleteSong.

use crate::{Error, access, edit::check_etag, field::id, role::Role, service::Call, transition};
use segue_proto::song::v1::DeleteSongRequest;

impl Role {
    /// The tombstone's etag.
    pub(crate) async fn delete(&self, call: &Call, request: &DeleteSongRequest) -> Result<String, Error> {
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
        Ok(gone.etag())
    }
}
