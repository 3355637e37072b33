//! Playing: one song's URL, or a queue of a playlist's or an album's.

use super::{Session, name, sink::Sink, table};
use crate::{
    cli::{KindArg, PlayArgs},
    output,
};
use futures::{StreamExt, TryStreamExt, stream};
use segue_client::{
    ClientError, Patience,
    proto::song::v1::{GetPlaybackRequest, Song, SongState},
};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// Links that are asked for at once.
const PARALLEL: usize = 8;
/// A queue asks for many links, and may have to wait for its turn.
const PATIENCE: Patience = Patience(Duration::from_secs(60));

#[derive(Serialize)]
struct Playback {
    playback_url: String,
    expires_at: String,
}

/// What is to be played.
enum What {
    Song(String),
    Playlist(String),
    Album(String),
}

pub(crate) async fn play(session: &Session, args: PlayArgs) -> anyhow::Result<()> {
    match what(session, &args.what, args.kind).await? {
        What::Song(id) if args.to.is_none() => one(session, &id).await,
        What::Song(id) => queue(session, vec![(session.client.song(&id).await?, true)], &args).await,
        What::Album(id) => {
            let songs = session.client.album_songs(&id).await?;
            queue(session, songs.into_iter().map(|song| (song, true)).collect(), &args).await
        }
        What::Playlist(id) => {
            let items = session.client.playlist_items(&id).await?.items;
            let song = |item: segue_client::proto::playlist::v1::Item| {
                let gone = Song { song_id: item.song_id, ..Default::default() };
                (item.song.unwrap_or(gone), item.available)
            };
            queue(session, items.into_iter().map(song).collect(), &args).await
        }
    }
}

/// What a name means. An id says nothing of its kind, so that the services are asked in turn.
async fn what(session: &Session, text: &str, kind: Option<KindArg>) -> anyhow::Result<What> {
    match kind {
        Some(KindArg::Song) => return Ok(What::Song(name::song(session, text).await?)),
        Some(KindArg::Playlist) => return Ok(What::Playlist(name::playlist(session, text).await?)),
        Some(KindArg::Album) => return Ok(What::Album(name::album(session, text).await?)),
        None => {}
    }
    if name::is_id(text) {
        if !absent(session.client.song(text).await.map(drop))? {
            return Ok(What::Song(text.into()));
        }
        if !absent(session.client.playlist(text).await.map(drop))? {
            return Ok(What::Playlist(text.into()));
        }
        if !absent(session.client.album(text).await.map(drop))? {
            return Ok(What::Album(text.into()));
        }
        anyhow::bail!("there is no song, playlist or album {text}, or it is not yours to see");
    }
    let song = name::maybe_song(session, text).await?.map(What::Song);
    let playlist = name::maybe_playlist(session, text).await?.map(What::Playlist);
    let album = name::maybe_album(session, text).await?.map(What::Album);
    let mut found: Vec<What> = [song, playlist, album].into_iter().flatten().collect();
    if found.len() > 1 {
        let kinds = found.iter().map(|what| match what {
            What::Song(_) => "song",
            What::Playlist(_) => "playlist",
            What::Album(_) => "album",
        });
        let kinds = kinds.collect::<Vec<_>>().join(" and a ");
        let said = format!("{text:?} is a {kinds}; say which with --as").replace("a album", "an album");
        return Err(output::Several(said).into());
    }
    found.pop().ok_or_else(|| anyhow::anyhow!("there is no song, playlist or album called {text:?}"))
}

/// Whether it is not there. An id of another kind may not even have the form of an id of this kind.
fn absent(asked: Result<(), ClientError>) -> Result<bool, ClientError> {
    match asked {
        Ok(()) => Ok(false),
        Err(e) if matches!(e.code(), Some(tonic::Code::NotFound | tonic::Code::InvalidArgument)) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn one(session: &Session, song: &str) -> anyhow::Result<()> {
    let playback = match grant(session, song).await {
        Err(e) if e.reason().as_deref() == Some("SONG_NOT_READY") => {
            return Err(not_ready(session, song, e).await);
        }
        granted => granted?,
    };
    if session.json {
        output::json(&playback)
    } else {
        output::text(&playback.playback_url)
    }
    Ok(())
}

/// Why it does not play, and what to do.
async fn not_ready(session: &Session, song_id: &str, refused: ClientError) -> anyhow::Error {
    let Ok(song) = session.client.song(song_id).await else { return refused.into() };
    let (state, failure) = (song.state(), song.failure.unwrap_or_default());
    if state != SongState::Failed {
        return refused.into();
    }
    let message = failure.message.trim_end_matches('.');
    let message = format!("it failed: {message}; try again with 'segue retry {song_id}'");
    ClientError::SongFailed { reason: failure.reason, message }.into()
}

/// An extended M3U file of master URLs; one object per song for scripts.
async fn queue(session: &Session, songs: Vec<(Song, bool)>, args: &PlayArgs) -> anyhow::Result<()> {
    let total: u64 = songs.iter().map(|(song, _)| song.duration_ms).sum();
    let mut sink = Sink::open(args.to.as_deref())?;
    if !session.json {
        sink.write(b"#EXTM3U\n")?;
    }
    let mut granted = stream::iter(songs.into_iter().map(|(song, available)| async move {
        let playback = match available {
            true => match PATIENCE.retry(|| grant(session, &song.song_id)).await {
                // It went away since it was listed.
                Err(e)
                    if matches!(e.code(), Some(tonic::Code::NotFound | tonic::Code::FailedPrecondition)) =>
                {
                    None
                }
                granted => Some(granted?),
            },
            false => None,
        };
        Ok::<_, ClientError>((song, playback))
    }))
    .buffered(PARALLEL);
    let (mut playing, mut missing) = (0u64, 0u64);
    while let Some((song, playback)) = granted.try_next().await? {
        if playback.is_some() {
            playing += 1
        } else {
            missing += 1
        }
        let line = match (session.json, playback) {
            (true, playback) => {
                let url = playback.as_ref().map(|p| &p.playback_url);
                json!({
                    "song_id": song.song_id, "title": song.title, "artists": song.artists,
                    "duration_ms": song.duration_ms, "available": url.is_some(), "playback_url": url,
                    "expires_at": playback.as_ref().map(|p| &p.expires_at),
                })
                .to_string()
            }
            (false, Some(playback)) => {
                let (seconds, label) =
                    (song.duration_ms.div_ceil(1000), output::clean(&name::song_label(&song)));
                format!("#EXTINF:{seconds},{label}\n{}", playback.playback_url)
            }
            (false, None) => continue,
        };
        sink.write(format!("{line}\n").as_bytes())?;
    }
    sink.close()?;
    if !session.json {
        if let Some(to) = &args.to {
            output::hint(&format!("{} in {}", table::count(playing, "song"), to.display()));
        }
        if missing > 0 {
            output::hint(&format!("left out: {}, not available now", table::count(missing, "song")));
        }
        if total > 2 * 3_600_000 {
            output::hint("the links end in two hours, before all of it was heard; then make the queue again");
        }
    }
    Ok(())
}

/// The master playlist URL of a song.
pub(crate) async fn url(session: &Session, song: &str) -> Result<String, ClientError> {
    Ok(grant(session, song).await?.playback_url)
}

async fn grant(session: &Session, song: &str) -> Result<Playback, ClientError> {
    let request = session.client.open_request(GetPlaybackRequest { song_id: song.into() }).await?;
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
