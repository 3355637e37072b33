//! Listing, showing and changing songs.

use super::{Session, table};
use crate::{
    cli::{EditArgs, SongsArgs, VisibilityArg},
    output,
};
use prost_types::FieldMask;
use segue_client::{
    Patience, UploadOptions, identify,
    proto::song::v1::{
        DeleteSongRequest, GetSongRequest, ListSongsRequest, RetrySongRequest, Song, SongState,
        UpdateSongRequest, Visibility,
    },
};
use serde_json::json;
use std::{io::IsTerminal, io::Write, path::PathBuf};

/// "READY" of `SONG_STATE_READY`.
pub(crate) fn state_name(song: &Song) -> &'static str {
    song.state().as_str_name().trim_start_matches("SONG_STATE_")
}

fn visibility_name(song: &Song) -> &'static str {
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
    let mut states = Vec::new();
    for name in &args.state {
        let state = SongState::from_str_name(&format!("SONG_STATE_{}", name.to_uppercase()));
        let known = "CREATED, UPLOADED, PROCESSING, READY, FAILED";
        states.push(i32::from(
            state.ok_or_else(|| anyhow::anyhow!("{name} is not a state; there are {known}"))?,
        ));
    }
    let limit = args.limit.unwrap_or(usize::MAX);
    let mut page_token = String::new();
    let mut shown = 0;
    let mut rows = Vec::new();
    loop {
        let request =
            ListSongsRequest { page_size: 200, page_token, states: states.clone(), ..Default::default() };
        let request = session.client.request(request).await?;
        let answer = session
            .client
            .songs()
            .list_songs(request)
            .await
            .map_err(|s| session.client.refused(s))?
            .into_inner();
        for song in answer.songs {
            if shown == limit {
                break;
            }
            shown += 1;
            if session.json {
                output::json(&json!({
                    "song_id": song.song_id, "title": song.title, "state": state_name(&song), "sha256": song.sha256,
                }));
            } else {
                let artists = song.artists.join(", ");
                rows.push(vec![
                    song.song_id.clone(),
                    state_name(&song).into(),
                    table::duration(song.duration_ms),
                    artists,
                    song.title,
                ]);
            }
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() || shown == limit {
            break;
        }
    }
    if !session.json {
        match rows.is_empty() {
            true => output::text("no songs yet; add some with 'segue upload FILE…'"),
            false => table::print(&["ID", "STATE", "LENGTH", "ARTIST", "TITLE"], &rows),
        }
    }
    Ok(())
}

async fn get(session: &Session, song_id: &str) -> anyhow::Result<Song> {
    let request = session.client.request(GetSongRequest { song_id: song_id.into() }).await?;
    let answer = session.client.songs().get_song(request).await.map_err(|s| session.client.refused(s))?;
    Ok(answer.into_inner().song.unwrap_or_default())
}

pub(crate) async fn show(session: &Session, song: String) -> anyhow::Result<()> {
    let song = get(session, &song).await?;
    print(session, &song);
    Ok(())
}

fn print(session: &Session, song: &Song) {
    let failure = song.failure.as_ref();
    if session.json {
        output::json(&json!({
            "song_id": song.song_id, "state": state_name(song), "visibility": visibility_name(song),
            "title": song.title, "artists": song.artists, "album": song.album, "album_artist": song.album_artist,
            "genre": song.genre, "year": song.year, "track_number": song.track_number, "disc_number": song.disc_number,
            "duration_ms": song.duration_ms, "loudness_lufs": song.loudness_lufs, "true_peak_db": song.true_peak_db,
            "filename": song.filename, "size_bytes": song.size_bytes, "sha256": song.sha256,
            "error": failure.map(|f| json!({"reason": f.reason, "message": f.message})),
            "covers": song.covers.iter().map(|c| json!({"px": c.px, "url": c.url})).collect::<Vec<_>>(),
            "rungs": song.rungs.iter().map(|r| json!({
                "name": r.name, "codec": r.codec, "lossless": r.lossless, "average_bandwidth": r.average_bandwidth,
                "bytes": r.bytes,
            })).collect::<Vec<_>>(),
        }));
        return;
    }
    let mut rows = vec![("id", song.song_id.clone()), ("title", song.title.clone())];
    rows.push(("artists", song.artists.join(", ")));
    rows.push(("album", song.album.clone()));
    rows.push(("genre", song.genre.clone()));
    rows.push(("year", if song.year == 0 { String::new() } else { song.year.to_string() }));
    rows.push(("state", state_name(song).to_lowercase()));
    rows.push(("visible to", visibility_name(song).to_lowercase()));
    rows.push(("length", table::duration(song.duration_ms)));
    rows.push(("loudness", song.loudness_lufs.map(|l| format!("{l:.1} LUFS")).unwrap_or_default()));
    rows.push(("failed", failure.map(|f| format!("{} ({})", f.message, f.reason)).unwrap_or_default()));
    let rung = |r: &segue_client::proto::song::v1::Rung| {
        format!("{} ({} kbit/s)", r.name, r.average_bandwidth.div_ceil(1000))
    };
    rows.push(("streams", song.rungs.iter().map(rung).collect::<Vec<_>>().join(", ")));
    for (name, value) in rows.into_iter().filter(|(_, v)| !v.is_empty()) {
        output::text(&format!("{name:<11} {value}"));
    }
}

pub(crate) async fn edit(session: &Session, args: EditArgs) -> anyhow::Result<()> {
    let mut song = Song { song_id: args.song, ..Default::default() };
    let mut paths: Vec<String> = Vec::new();
    let mut set = |name: &str| paths.push(name.to_owned());
    if let Some(v) = args.title {
        set("title");
        song.title = v;
    }
    if !args.artists.is_empty() {
        set("artists");
        song.artists = args.artists;
    }
    if let Some(v) = args.album {
        set("album");
        song.album = v;
    }
    if let Some(v) = args.album_artist {
        set("album_artist");
        song.album_artist = v;
    }
    if let Some(v) = args.genre {
        set("genre");
        song.genre = v;
    }
    if let Some(v) = args.year {
        set("year");
        song.year = v;
    }
    if let Some(v) = args.track {
        set("track_number");
        song.track_number = v;
    }
    if let Some(v) = args.disc {
        set("disc_number");
        song.disc_number = v;
    }
    if let Some(v) = args.visibility {
        set("visibility");
        song.set_visibility(visibility(v));
    }
    anyhow::ensure!(!paths.is_empty(), "nothing to change; see 'segue edit --help'");
    let request = UpdateSongRequest { song: Some(song), update_mask: Some(FieldMask { paths }) };
    let request = session.client.request(request).await?;
    let answer = session.client.songs().update_song(request).await.map_err(|s| session.client.refused(s))?;
    print(session, &answer.into_inner().song.unwrap_or_default());
    Ok(())
}

pub(crate) async fn remove(session: &Session, songs: Vec<String>, yes: bool) -> anyhow::Result<()> {
    if !yes {
        anyhow::ensure!(
            std::io::stdin().is_terminal(),
            "no terminal to ask on; say --yes to delete without asking"
        );
        eprint!("Delete {} song(s) and their audio for good? [y/N] ", songs.len());
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        anyhow::ensure!(answer.trim().eq_ignore_ascii_case("y"), "nothing was deleted");
    }
    for song_id in songs {
        let request = session
            .client
            .request(DeleteSongRequest { song_id: song_id.clone(), ..Default::default() })
            .await?;
        session.client.songs().delete_song(request).await.map_err(|s| session.client.refused(s))?;
        if session.json {
            output::json(&json!({"song_id": song_id, "deleted": true}))
        } else {
            output::text(&format!("deleted {song_id}"))
        }
    }
    Ok(())
}

pub(crate) async fn retry(session: &Session, song_id: String, file: Option<PathBuf>) -> anyhow::Result<()> {
    let request = session.client.request(RetrySongRequest { song_id: song_id.clone() }).await?;
    let answer =
        session.client.songs().retry_song(request).await.map_err(|s| session.client.refused(s))?.into_inner();
    if answer.upload.is_some() {
        let Some(path) = file else {
            anyhow::bail!("the server needs the bytes of {song_id} again: run 'segue upload' with the file")
        };
        let file = identify(&path, |_| ()).await?;
        session.client.upload(&file, &UploadOptions::default(), &()).await?;
    }
    print(session, &get(session, &song_id).await?);
    Ok(())
}

pub(crate) async fn watch(session: &Session, song: String) -> anyhow::Result<()> {
    let json = session.json;
    let heard = move |song: &Song, percent: u32| match json {
        true => {
            output::json(&json!({"song_id": song.song_id, "state": state_name(song), "percent": percent}))
        }
        false => output::text(&format!("{} {percent} %", state_name(song).to_lowercase())),
    };
    let song = session.client.watch(&song, Patience::default(), heard).await?;
    if let Some(failure) = song.failure.filter(|_| json || song.state == i32::from(SongState::Failed)) {
        anyhow::bail!("{} ({})", failure.message, failure.reason);
    }
    Ok(())
}
