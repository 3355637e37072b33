//! Albums, artists and lyrics.

use super::{Session, library, name, table};
use crate::{
    cli::{AlbumsArgs, ArtistsArgs},
    output,
};
use segue_client::proto::song::v1::{Album, Artist, GetLyricsResponse, LyricsKind, LyricsLine, Song};
use serde_json::{Value, json};

pub(crate) async fn albums(session: &Session, args: AlbumsArgs) -> anyhow::Result<()> {
    if let Some(text) = &args.album {
        let id = name::album(session, text).await?;
        return album(session, &id).await;
    }
    let artist = match &args.artist {
        Some(text) => name::artist(session, text).await?,
        None => String::new(),
    };
    let albums = session.client.albums(&artist, library::most(&args.limit)).await?;
    if session.json {
        albums.iter().for_each(|album| output::json(&album_object(album)));
        return Ok(());
    }
    if albums.is_empty() {
        output::text("no albums yet; they come from the tags of your songs");
        return Ok(());
    }
    let row = |a: &Album| {
        vec![
            a.album_id.clone(),
            table::known(a.year),
            a.song_count.to_string(),
            table::duration(a.duration_ms),
            a.album_artist.clone(),
            a.title.clone(),
        ]
    };
    let rows: Vec<_> = albums.iter().map(row).collect();
    table::print(&["ID", "YEAR", "SONGS", "LENGTH", "ARTIST", "TITLE"], &rows);
    Ok(())
}

/// One album with its songs; for scripts the songs alone, one per line.
async fn album(session: &Session, album_id: &str) -> anyhow::Result<()> {
    let album = session.client.album(album_id).await?;
    let songs = session.client.album_songs(album_id).await?;
    if session.json {
        songs.iter().for_each(|song| output::json(&song_object(song)));
        return Ok(());
    }
    table::facts(&[
        ("album", album.title.clone()),
        ("artist", album.album_artist.clone()),
        ("year", table::known(album.year)),
        ("genre", album.genre.clone()),
        (
            "songs",
            format!("{}, {}", table::count(album.song_count, "song"), table::duration(album.duration_ms)),
        ),
        ("loudness", album.loudness_lufs.map(|l| format!("{l:.1} LUFS")).unwrap_or_default()),
        ("id", album.album_id.clone()),
    ]);
    let place = |song: &Song| match (album.disc_count > 1, song.track_number) {
        (_, 0) => String::new(),
        (true, track) => format!("{}-{track:02}", song.disc_number.max(1)),
        (false, track) => track.to_string(),
    };
    let row =
        |song: &Song| [vec![place(song), song.song_id.clone()], library::cells(Some(song), true)].concat();
    output::text("");
    table::print(&["#", "ID", "LENGTH", "ARTIST", "TITLE"], &songs.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

pub(crate) async fn artists(session: &Session, args: ArtistsArgs) -> anyhow::Result<()> {
    if let Some(text) = &args.artist {
        let id = name::artist(session, text).await?;
        return artist(session, &id).await;
    }
    let artists = session.client.artists(library::most(&args.limit)).await?;
    if session.json {
        artists.iter().for_each(|artist| output::json(&artist_object(artist)));
        return Ok(());
    }
    if artists.is_empty() {
        output::text("no artists yet; they come from the tags of your songs");
        return Ok(());
    }
    let row = |a: &Artist| {
        vec![
            a.artist_id.clone(),
            a.song_count.to_string(),
            a.album_count.to_string(),
            table::duration(a.duration_ms),
            a.name.clone(),
        ]
    };
    table::print(&["ID", "SONGS", "ALBUMS", "LENGTH", "NAME"], &artists.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// One artist with their songs; for scripts the songs alone, one per line.
async fn artist(session: &Session, artist_id: &str) -> anyhow::Result<()> {
    let artist = session.client.artist(artist_id).await?;
    let songs = session.client.artist_songs(artist_id).await?;
    if session.json {
        songs.iter().for_each(|song| output::json(&song_object(song)));
        return Ok(());
    }
    let (songs_said, albums) =
        (table::count(artist.song_count, "song"), table::count(artist.album_count, "album"));
    table::facts(&[
        ("artist", artist.name.clone()),
        ("songs", format!("{songs_said} on {albums}, {}", table::duration(artist.duration_ms))),
        ("id", artist.artist_id.clone()),
    ]);
    let row = |song: &Song| {
        vec![
            song.song_id.clone(),
            table::known(song.year),
            table::duration(song.duration_ms),
            song.album.clone(),
            song.title.clone(),
        ]
    };
    output::text("");
    table::print(&["ID", "YEAR", "LENGTH", "ALBUM", "TITLE"], &songs.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

pub(crate) async fn lyrics(session: &Session, song: &str) -> anyhow::Result<()> {
    let song_id = name::song(session, song).await?;
    let lyrics = session.client.lyrics(&song_id).await?;
    let synced = lyrics.kind() == LyricsKind::Synced;
    if session.json {
        let line = |l: &LyricsLine| match synced {
            true => json!({"start_ms": l.start_ms, "text": l.text}),
            false => json!({"text": l.text}),
        };
        output::json(&json!({
            "song_id": song_id, "synced": synced, "language": lyrics.language,
            "lines": lyrics.lines.iter().map(line).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    words(&lyrics).for_each(|line| output::text(&output::clean(&line)));
    Ok(())
}

/// Lines of lyrics, as in an LRC file where they have times.
pub(crate) fn words(lyrics: &GetLyricsResponse) -> impl Iterator<Item = String> {
    let synced = lyrics.kind() == LyricsKind::Synced;
    lyrics.lines.iter().map(move |LyricsLine { start_ms, text }| {
        let (minutes, seconds, hundredths) = (start_ms / 60_000, start_ms / 1000 % 60, start_ms / 10 % 100);
        match synced {
            true => format!("[{minutes:02}:{seconds:02}.{hundredths:02}]{text}"),
            false => text.clone(),
        }
    })
}

fn song_object(song: &Song) -> Value {
    let mut line = library::object(&song.song_id, Some(song), true);
    line["track_number"] = song.track_number.into();
    line["disc_number"] = song.disc_number.into();
    line["year"] = song.year.into();
    line
}

fn album_object(album: &Album) -> Value {
    json!({
        "album_id": album.album_id, "title": album.title, "album_artist": album.album_artist, "year": album.year,
        "genre": album.genre, "song_count": album.song_count, "disc_count": album.disc_count,
        "duration_ms": album.duration_ms, "loudness_lufs": album.loudness_lufs,
    })
}

fn artist_object(artist: &Artist) -> Value {
    json!({
        "artist_id": artist.artist_id, "name": artist.name, "song_count": artist.song_count,
        "album_count": artist.album_count, "duration_ms": artist.duration_ms,
    })
}
