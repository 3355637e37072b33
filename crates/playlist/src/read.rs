//! GetPlaylist.

use crate::{Error, access, field::id, record::PlaylistRecord, role::Role, service::Call};
use segue_domain::PlaylistId;
use segue_proto::playlist::v1::GetPlaylistResponse;
use std::sync::Arc;

impl Role {
    pub(crate) async fn get(&self, call: &Call, playlist_id: &str) -> Result<GetPlaylistResponse, Error> {
        let playlist = self.seen(call, id("playlist_id", playlist_id)?).await?;
        Ok(GetPlaylistResponse { playlist: Some(self.answer(call, &playlist).await) })
    }

    /// The playlist, which may be a moment old, if the caller may see it.
    pub(crate) async fn seen(&self, call: &Call, id: PlaylistId) -> Result<Arc<PlaylistRecord>, Error> {
        let playlist = self.playlists.find(id, call.seen.at_least(id)).await?;
        access::visible(&call.caller, id, playlist)
    }
}
