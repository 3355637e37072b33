//! What a listener likes and hears.

use crate::{Client, ClientError, Patience, pages};
use segue_proto::playlist::v1::{
    DeleteHistoryRequest, HistoryEntry, Like, LikeSongRequest, ListHistoryRequest, ListLikesRequest,
    ListPlayedRequest, Play, Played, PlayedOrder, RecordPlaysRequest, UnlikeSongRequest,
};
use std::time::Duration;

/// Plays in one request.
const BATCH: usize = 200;
/// How long a change is sent again while the server does not answer; all of these may be repeated.
const PATIENCE: Patience = Patience(Duration::from_secs(3));

impl Client {
    /// Likes a song. Repeating it changes nothing.
    pub async fn like(&self, song_id: &str) -> Result<(), ClientError> {
        let like = || async {
            let request = self.request(LikeSongRequest { song_id: song_id.into() }).await?;
            let answer = self.library_service().like_song(request).await;
            answer.map(drop).map_err(|s| self.refused(s))
        };
        PATIENCE.retry(like).await
    }

    /// Likes a song no longer. Repeating it changes nothing.
    pub async fn unlike(&self, song_id: &str) -> Result<(), ClientError> {
        let unlike = || async {
            let request = self.request(UnlikeSongRequest { song_id: song_id.into() }).await?;
            let answer = self.library_service().unlike_song(request).await;
            answer.map(drop).map_err(|s| self.refused(s))
        };
        PATIENCE.retry(unlike).await
    }

    /// Liked songs, liked last first, at most `most`.
    pub async fn likes(&self, most: usize) -> Result<Vec<Like>, ClientError> {
        pages::all(most, |page_size, page_token| async move {
            let request = self.request(ListLikesRequest { page_size, page_token }).await?;
            let answer = self.library_service().list_likes(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.likes, answer.next_page_token))
        })
        .await
    }

    /// Stores what was heard, and says how many of these were new. Events have ids of their own, so that a log may be sent
    /// again from its beginning.
    pub async fn record_plays(&self, plays: &[Play]) -> Result<u64, ClientError> {
        let mut recorded = 0;
        for batch in plays.chunks(BATCH) {
            let record = || async {
                let request = self.request(RecordPlaysRequest { plays: batch.to_vec() }).await?;
                let answer = self.library_service().record_plays(request).await;
                Ok(answer.map_err(|s| self.refused(s))?.into_inner())
            };
            recorded += u64::from(PATIENCE.retry(record).await?.recorded);
        }
        Ok(recorded)
    }

    /// What was heard, newest first, at most `most`.
    pub async fn history(&self, most: usize) -> Result<Vec<HistoryEntry>, ClientError> {
        pages::all(most, |page_size, page_token| async move {
            let request = self.request(ListHistoryRequest { page_size, page_token }).await?;
            let answer = self.library_service().list_history(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.entries, answer.next_page_token))
        })
        .await
    }

    /// Deletes the whole listening history; how many entries it had.
    pub async fn delete_history(&self) -> Result<u64, ClientError> {
        let delete = || async {
            let request = self.request(DeleteHistoryRequest { before: None }).await?;
            let answer = self.library_service().delete_history(request).await;
            Ok(answer.map_err(|s| self.refused(s))?.into_inner().deleted)
        };
        PATIENCE.retry(delete).await
    }

    /// Songs by how often, or how lately, they were heard; at most `most`.
    pub async fn played(&self, order: PlayedOrder, most: usize) -> Result<Vec<Played>, ClientError> {
        pages::all(most, |page_size, page_token| async move {
            let request = ListPlayedRequest { page_size, page_token, order: order.into() };
            let request = self.request(request).await?;
            let answer = self.library_service().list_played(request).await;
            let answer = answer.map_err(|s| self.refused(s))?.into_inner();
            Ok((answer.songs, answer.next_page_token))
        })
        .await
    }
}
