//! Fills tables that are younger than the songs in them: once, at the first start of a program that has them.

use crate::{Error, repository::Filling, role::Role};
use std::time::Duration;

/// Songs between two notes of how far it has come.
const BATCH: u32 = 200;
/// Wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

impl Role {
    /// Goes through all songs, from where any process has come to. Several at once do the same work and no harm. Songs that
    /// change meanwhile are placed by their facts.
    pub(crate) async fn fill(&self) {
        loop {
            match self.fill_some().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "albums cannot be filled with the songs of before");
                    tokio::time::sleep(PAUSE.mul_f64(rand::random_range(0.8..1.2))).await;
                }
            }
        }
    }

    /// True when all is done.
    async fn fill_some(&self) -> Result<bool, Error> {
        let filling = self.fillings.find().await?;
        if filling.done {
            return Ok(true);
        }
        let songs = self.songs.after(filling.reached, BATCH).await?;
        for song in &songs {
            match self.fill_in(*song).await {
                Err(error) if !error.passes() => {
                    // It would fail again, and keep all others from their turn.
                    tracing::error!(%error, song.id = %song, "song cannot be put into its album");
                }
                done => done?,
            }
        }
        let reached = songs.last().map_or(filling.reached, |song| song.uuid());
        let done = songs.len() < BATCH as usize;
        self.fillings.put(Filling { reached, done }).await?;
        if done {
            tracing::debug!("albums hold the songs of before");
        }
        Ok(done)
    }
}
