//! Playing.

use super::Session;
use crate::output;
use segue_client::{ClientError, proto::song::v1::GetPlaybackRequest};
use serde::Serialize;

#[derive(Serialize)]
struct Playback {
    playback_url: String,
    expires_at: String,
}

pub(crate) async fn play(session: &Session, song: String) -> anyhow::Result<()> {
    let playback = grant(session, &song).await?;
    if session.json {
        output::json(&playback)
    } else {
        output::text(&playback.playback_url)
    }
    Ok(())
}

/// The master playlist URL of a song.
pub(crate) async fn url(session: &Session, song: &str) -> Result<String, ClientError> {
    Ok(grant(session, song).await?.playback_url)
}

async fn grant(session: &Session, song: &str) -> Result<Playback, ClientError> {
    let request = session.client.request(GetPlaybackRequest { song_id: song.into() }).await?;
    let answer = session
        .client
        .songs()
        .get_playback(request)
        .await
        .map_err(|s| session.client.refused(s))?
        .into_inner();
    let expires_at = answer.expire_time.map(|t| t.to_string()).unwrap_or_default();
    Ok(Playback { playback_url: answer.master_url, expires_at })
}
