//! Listing, showing and changing songs.

use super::{Session, name, table};
use crate::{
    cli::{EditArgs, RetryArgs, SongChanges, SongsArgs, StateArg, VisibilityArg},
    output,
};
use prost_types::FieldMask;
use segue_client::{
    ClientError, Patience, UploadOptions, identify,
    proto::song::v1::{DeleteSongRequest, LyricsKind, Rung, Song, SongState, UpdateSongRequest, Visibility},
};
use serde_json::json;

/// "READY" of `SONG_STATE_READY`.
pub(crate) fn state_name(song: &Song) -> &'static str {
    song.state().as_str_name().trim_start_matches("SONG_STATE_")
}

pub(super) fn visibility_name(song: &Song) -> &'static str {
    song.visibility().as_str_name().trim_start_matches("VISIBILITY_")
}

pub(crate) fn visibility(arg: VisibilityArg) -> Visibility {
    match arg {
        VisibilityArg::Private => Visibility::Private,
        VisibilityArg::Unlisted => Visibility::Unlisted,
        VisibilityArg::Public => Visibility::Public,
    }
}

pub(crate) async fn list(session: &Session, args: SongsArgs) -> anyhow::Result<()> {
    let states: Vec<SongState> = args.state.iter().map(|state| state_of(*state)).collect();
    let most = args.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let songs = session.client.my_songs(&states, most).await?;
    if session.json {
        for song in &songs {
            output::json(&json!({
                "song_id": song.song_id, "title": song.title, "state": state_name(song), "sha256": song.sha256,
                "artists": song.artists, "album": song.album, "duration_ms": song.duration_ms,
            }));
        }
        return Ok(());
    }
    if songs.is_empty() {
        output::text(match states.is_empty() {
            true => "no songs yet; add some with 'segue upload FILE…'",
            false => "no songs in this state",
        });
        return Ok(());
    }
    let row = |song: &Song| {
        vec![
            song.song_id.clone(),
            state_name(song).into(),
            table::duration(song.duration_ms),
            song.artists.join(", "),
            song.title.clone(),
        ]
    };
    let rows: Vec<_> = songs.iter().map(row).collect();
    table::print(&["ID", "STATE", "LENGTH", "ARTIST", "TITLE"], &rows);
    Ok(())
}

fn state_of(arg: StateArg) -> SongState {
    match arg {
        StateArg::Created => SongState::Created,
        StateArg::Uploaded => SongState::Uploaded,
        StateArg::Processing => SongState::Processing,
        StateArg::Ready => SongState::Ready,
        StateArg::Failed => SongState::Failed,
    }
}

pub(crate) async fn show(session: &Session, text: &str) -> anyhow::Result<()> {
    let song_id = name::song(session, text).await?;
    print(session, &session.client.song(&song_id).await?);
    Ok(())
}

pub(crate) fn print(session: &Session, song: &Song) {
    let failure = song.failure.as_ref();
    if session.json {
        output::json(&json!({
            "song_id": song.song_id, "state": state_name(song), "visibility": visibility_name(song),
            "title": song.title, "artists": song.artists, "album": song.album, "album_artist": song.album_artist,
            "genre": song.genre, "year": song.year, "track_number": song.track_number, "disc_number": song.disc_number,
            "duration_ms": song.duration_ms, "loudness_lufs": song.loudness_lufs, "true_peak_db": song.true_peak_db,
            "album_id": song.album_id, "artist_ids": song.artist_ids, "isrc": song.isrc,
            "musicbrainz_id": song.musicbrainz_id, "filename": song.filename, "size_bytes": song.size_bytes, "sha256": song.sha256,
            "error": failure.map(|f| json!({"reason": f.reason, "message": f.message})),
            "covers": song.covers.iter().map(|c| json!({"px": c.px, "url": c.url})).collect::<Vec<_>>(),
            "rungs": song.rungs.iter().map(|r| json!({
                "name": r.name, "codec": r.codec, "lossless": r.lossless, "average_bandwidth": r.average_bandwidth,
                "bytes": r.bytes,
            })).collect::<Vec<_>>(),
        }));
        return;
    }
    let track = match (song.disc_number, song.track_number) {
        (disc, 0) => table::known(disc),
        (0, track) => track.to_string(),
        (disc, track) => format!("{track} on disc {disc}"),
    };
    let rung = |r: &Rung| format!("{} ({} kbit/s)", r.name, r.average_bandwidth.div_ceil(1000));
    table::facts(&[
        ("id", song.song_id.clone()),
        ("title", song.title.clone()),
        ("artists", song.artists.join(", ")),
        ("album", song.album.clone()),
        ("album artist", song.album_artist.clone()),
        ("track", track),
        ("genre", song.genre.clone()),
        ("year", table::known(song.year)),
        ("state", state_name(song).to_lowercase()),
        ("visible to", visibility_name(song).to_lowercase()),
        ("length", table::duration(song.duration_ms)),
        ("loudness", song.loudness_lufs.map(|l| format!("{l:.1} LUFS")).unwrap_or_default()),
        ("isrc", song.isrc.clone()),
        ("musicbrainz", song.musicbrainz_id.clone()),
        ("lyrics", lyrics_name(song)),
        ("failed", failure.map(|f| format!("{} ({})", f.message, f.reason)).unwrap_or_default()),
        ("streams", song.rungs.iter().map(rung).collect::<Vec<_>>().join(", ")),
    ]);
}

fn lyrics_name(song: &Song) -> String {
    match song.lyrics() {
        LyricsKind::Unspecified => String::new(),
        LyricsKind::Plain => "yes; see 'segue lyrics'".into(),
        LyricsKind::Synced => "with times; see 'segue lyrics'".into(),
    }
}

pub(crate) async fn edit(session: &Session, args: EditArgs) -> anyhow::Result<()> {
    let song_id = name::song(session, &args.song).await?;
    let (song, paths) = change(args.changes, song_id);
    let request = UpdateSongRequest { song: Some(song), update_mask: Some(FieldMask { paths }) };
    let request = session.client.request(request).await?;
    let answer = session.client.songs().update_song(request).await.map_err(|s| session.client.refused(s))?;
    print(session, &answer.into_inner().song.unwrap_or_default());
    Ok(())
}

/// The new values, and which fields have one.
fn change(changes: SongChanges, song_id: String) -> (Song, Vec<String>) {
    let mut paths: Vec<&str> = Vec::new();
    let mut set = |name: &'static str, given: bool| {
        if given {
            paths.push(name);
        }
    };
    set("title", changes.title.is_some());
    set("artists", !changes.artists.is_empty());
    set("album", changes.album.is_some());
    set("album_artist", changes.album_artist.is_some());
    set("genre", changes.genre.is_some());
    set("year", changes.year.is_some());
    set("track_number", changes.track.is_some());
    set("disc_number", changes.disc.is_some());
    set("visibility", changes.visibility.is_some());
    let song = Song {
        song_id,
        title: changes.title.unwrap_or_default(),
        // One empty artist takes all of them away.
        artists: changes.artists.into_iter().filter(|a| !a.is_empty()).collect(),
        album: changes.album.unwrap_or_default(),
        album_artist: changes.album_artist.unwrap_or_default(),
        genre: changes.genre.unwrap_or_default(),
        year: changes.year.unwrap_or_default(),
        track_number: changes.track.unwrap_or_default(),
        disc_number: changes.disc.unwrap_or_default(),
        visibility: changes.visibility.map_or(Visibility::Unspecified, visibility).into(),
        ..Default::default()
    };
    (song, paths.into_iter().map(str::to_owned).collect())
}

pub(crate) async fn remove(session: &Session, songs: &[String], yes: bool) -> anyhow::Result<()> {
    let ids = name::songs(session, songs).await?;
    let question = match songs {
        [one] => format!("Delete {one} and its audio for good?"),
        many => format!("Delete {} and their audio for good?", table::count(many.len() as u64, "song")),
    };
    output::confirm(&question, yes)?;
    for song_id in ids {
        let request = DeleteSongRequest { song_id: song_id.clone(), ..Default::default() };
        let request = session.client.request(request).await?;
        session.client.songs().delete_song(request).await.map_err(|s| session.client.refused(s))?;
        if session.json {
            output::json(&json!({"song_id": song_id, "deleted": true}))
        } else {
            output::text(&format!("deleted {song_id}"))
        }
    }
    Ok(())
}

/// Tries a song again and waits for what becomes of it, as an upload does.
pub(crate) async fn retry(session: &Session, args: RetryArgs) -> anyhow::Result<()> {
    let song_id = name::song(session, &args.song).await?;
    let file = match &args.file {
        Some(path) => Some(identify(path, |_| ()).await?),
        None => None,
    };
    let options = UploadOptions { wait: !args.no_wait, ..UploadOptions::default() };
    let retried = session.client.retry_song(&song_id, file.as_ref(), &options, &()).await?;
    print(session, &retried.song);
    failed(&retried.song)
}

pub(crate) async fn watch(session: &Session, text: &str) -> anyhow::Result<()> {
    let song_id = name::song(session, text).await?;
    let json = session.json;
    let heard = move |song: &Song, percent: u32| match (json, song.state()) {
        (true, _) => {
            output::json(&json!({"song_id": song.song_id, "state": state_name(song), "percent": percent}))
        }
        (false, SongState::Processing) => output::text(&format!("processing, {percent} %")),
        (false, _) => output::text(&state_name(song).to_lowercase()),
    };
    failed(&session.client.watch(&song_id, Patience::default(), heard).await?)
}

/// An error when a song does not play.
pub(crate) fn failed(song: &Song) -> anyhow::Result<()> {
    match song.failure.clone().filter(|_| song.state() == SongState::Failed) {
        Some(f) => Err(ClientError::SongFailed { reason: f.reason, message: f.message }.into()),
        None => Ok(()),
    }
}
