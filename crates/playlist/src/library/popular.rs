//! Tells in batches how often songs were heard, for those who rank by it.

use crate::{Error, role::Role};
use std::time::Duration;

/// Songs in one fact.
const MOST_SONGS: u32 = 1_000;

impl Role {
    /// Publishes the counts of all songs that have changed, unless another process has just done so.
    pub(crate) async fn publish_popularity(&self) {
        match self.publish_changed().await {
            Ok(0) => {}
            Ok(songs) => tracing::debug!(songs, "popularity published"),
            Err(error) => tracing::warn!(%error, "popularity cannot be published"),
        }
    }

    pub(crate) async fn publish_changed(&self) -> Result<usize, Error> {
        let popularity = &self.library.popularity;
        if !popularity.any().await? {
            return Ok(0);
        }
        let pause = Duration::from_secs(self.config.library.popularity_seconds);
        let recent = self.now().minus(pause / 2);
        if popularity.last().await?.is_some_and(|last| last > recent) {
            return Ok(0);
        }
        let (mut songs, mut after) = (0, None);
        // Songs that change meanwhile and were passed are in the next round.
        while let Some(batch) = popularity.publish(after, MOST_SONGS).await? {
            songs += batch.songs;
            after = Some(batch.last);
            if batch.songs < MOST_SONGS as usize {
                break;
            }
        }
        Ok(songs)
    }
}
