//! BatchGetSongStats.

use crate::{Error, field::id, role::Role};
use segue_domain::{PageSize, SongId};
use segue_mesh::Passport;
use segue_proto::playlist::v1::{BatchGetSongStatsRequest, BatchGetSongStatsResponse, SongStats};

impl Role {
    pub(super) async fn song_stats(
        &self,
        passport: &Passport,
        request: &BatchGetSongStatsRequest,
    ) -> Result<BatchGetSongStatsResponse, Error> {
        if request.song_ids.len() > PageSize::MAX as usize {
            return Err(Error::field("song_ids", format!("at most {}", PageSize::MAX)));
        }
        let ids = request.song_ids.iter().map(|text| id::<SongId>("song_ids", text));
        let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
        let seen = self.songs.find(passport, ids.iter().copied()).await?;
        ids.retain(|id| seen.contains_key(id));
        let counts = self.library.stats.of(&ids).await?;
        let stats = ids.iter().map(|id| {
            let counts = counts.get(id).copied().unwrap_or_default();
            SongStats {
                song_id: id.to_string(),
                plays: counts.plays,
                skips: counts.skips,
                likes: counts.likes,
            }
        });
        Ok(BatchGetSongStatsResponse { stats: stats.collect() })
    }
}
