//! GetSong and BatchGetSongs.

use crate::{Error, access, field::id, record::SongRecord, role::Role, service::Call};
use segue_domain::{PageSize, SongId};
use segue_proto::song::v1::{BatchGetSongsResponse, GetSongResponse};

impl Role {
    pub(crate) async fn get(&self, call: &Call, song_id: &str) -> Result<GetSongResponse, Error> {
        let song = self.seen(call, song_id).await?;
        Ok(GetSongResponse { song: Some(self.answer(song, &call.caller, &call.origin)) })
    }

    pub(crate) async fn batch_get(
        &self,
        call: &Call,
        song_ids: &[String],
    ) -> Result<BatchGetSongsResponse, Error> {
        if song_ids.len() > PageSize::MAX as usize {
            return Err(Error::field("song_ids", format!("at most {}", PageSize::MAX)));
        }
        let ids: Vec<SongId> = song_ids.iter().map(|text| id("song_ids", text)).collect::<Result<_, _>>()?;
        let found = self.songs.find_many(&ids).await?;
        let songs = ids.iter().filter_map(|id| found.get(id)).filter(|song| access::sees(&call.caller, song));
        let songs = songs.map(|song| self.answer(song.clone(), &call.caller, &call.origin)).collect();
        Ok(BatchGetSongsResponse { songs })
    }

    /// The song, which may be a moment old, if the caller may see it.
    pub(crate) async fn seen(&self, call: &Call, song_id: &str) -> Result<SongRecord, Error> {
        let id = id("song_id", song_id)?;
        let song = self.songs.find(id, call.seen.at_least(id)).await?;
        access::visible(&call.caller, id, song)
    }
}
