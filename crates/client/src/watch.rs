//! Waiting for a song.

use crate::{Client, ClientError, Patience};
use segue_proto::song::v1::{Song, SongState, WatchSongRequest};

/// Hears of every change of a song until it is READY or FAILED. Goes on after the server was away.
pub(crate) async fn until_done(
    client: &Client,
    song_id: &str,
    patience: Patience,
    heard: impl Fn(&Song, u32),
) -> Result<Song, ClientError> {
    loop {
        let mut stream = patience
            .retry(|| async {
                let request = client.request(WatchSongRequest { song_id: song_id.into() }).await?;
                Ok(client.songs().watch_song(request).await.map_err(|s| client.refused(s))?.into_inner())
            })
            .await?;
        loop {
            match stream.message().await {
                Ok(Some(answer)) => {
                    let Some(song) = answer.song else { continue };
                    heard(&song, answer.percent);
                    if matches!(song.state(), SongState::Ready | SongState::Failed) {
                        return Ok(song);
                    }
                }
                // The stream ended or broke, or the token did: look again.
                Ok(None) => break,
                Err(status) => {
                    let error = client.refused(status);
                    if !error.is_transient() && error.code() != Some(tonic::Code::Unauthenticated) {
                        return Err(error);
                    }
                    break;
                }
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

impl Client {
    /// Hears of every change of a song until it is READY or FAILED.
    pub async fn watch(
        &self,
        song_id: &str,
        patience: Patience,
        heard: impl Fn(&Song, u32),
    ) -> Result<Song, ClientError> {
        until_done(self, song_id, patience, heard).await
    }
}
