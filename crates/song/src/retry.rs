//! RetrySong: a FAILED song is tried again, with new bytes when the old ones were at fault.

use crate::{Error, access, role::Role, service::Call, transition};
use segue_domain::{EncodingId, SongState, UploadId};
use segue_proto::song::v1::RetrySongResponse;

impl Role {
    pub(crate) async fn retry(&self, call: &Call, song_id: &str) -> Result<RetrySongResponse, Error> {
        let song = self.own_latest(call, song_id).await?;
        let (upload, encoding, now) = (UploadId::new(), EncodingId::new(), self.now());
        let _turn = self.turns.of(song.owner).lock().await;
        let released = self.may_run(song.owner).await?;
        let song = self
            .songs
            .change(song.id, |song| {
                access::own(&call.caller, song)?;
                match &song.failure {
                    Some(failure) if song.state == SongState::Failed => Ok(match failure.needs_new_bytes() {
                        true => transition::restarted(song, upload, now, self.config.upload_url_life()),
                        false => transition::retried(song, encoding, released),
                    }),
                    _ => Err(Error::NotFailed(song.state)),
                }
            })
            .await?;
        let grant = match song.state {
            SongState::Created => Some(self.grant_upload(&song, &call.origin).await?),
            _ => None,
        };
        Ok(RetrySongResponse { song: Some(self.answer(song, &call.caller, &call.origin)), upload: grant })
    }
}
