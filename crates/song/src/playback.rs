//! GetPlayback: where to play a song, on which edges, until when.

use crate::{
    Error,
    record::{Output, SongRecord},
    role::Role,
    service::Call,
};
use segue_domain::SongState;
use segue_mesh::to_proto;
use segue_proto::song::v1::GetPlaybackResponse;

impl Role {
    pub(crate) async fn playback(&self, call: &Call, song_id: &str) -> Result<GetPlaybackResponse, Error> {
        let song = self.seen(call, song_id).await?;
        let output = ready(&song)?;
        let listener = call.caller.user_id();
        let playback = self.addresses.playback(song.id, output, listener, self.now(), &call.origin);
        let mut urls = playback.bases.into_iter().map(|base| format!("{base}master.m3u8"));
        Ok(GetPlaybackResponse {
            master_url: urls.next().unwrap_or_default(),
            fallback_urls: urls.collect(),
            expire_time: Some(to_proto(playback.expires)),
        })
    }
}

/// What listeners hear, once the song is READY.
pub(crate) fn ready(song: &SongRecord) -> Result<&Output, Error> {
    match &song.output {
        Some(output) if song.state == SongState::Ready => Ok(output),
        _ => Err(Error::NotReady(song.state)),
    }
}
