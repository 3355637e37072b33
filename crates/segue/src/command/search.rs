//! Finding songs, albums, artists and playlists.

use super::{Session, table};
use crate::{
    cli::{FoundKind, SearchArgs},
    output,
};
use segue_client::proto::search::v1::{Kind, SearchResult, Suggestion, search_result::Item};
use serde_json::{Value, json};

pub(crate) async fn search(session: &Session, args: SearchArgs) -> anyhow::Result<()> {
    let words = args.words.join(" ");
    let kinds: Vec<Kind> = args.kind.into_iter().map(kind).collect();
    if args.suggest {
        return show_names(session, &session.client.suggest(&words, &kinds, args.limit.min(50)).await?);
    }
    let results = session.client.search(&words, &kinds, args.limit).await?;
    // Kinds that this version does not know are left out.
    let found: Vec<(f32, Item)> =
        results.into_iter().filter_map(|SearchResult { score, item, .. }| Some((score, item?))).collect();
    if session.json {
        found.into_iter().for_each(|(score, item)| output::json(&on_a_line(score, item)));
        return Ok(());
    }
    if found.is_empty() {
        output::text("nothing found");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found.into_iter().map(|(_, item)| row(item)).collect();
    table::print(&["KIND", "ID", "LENGTH", "ARTIST", "ALBUM", "TITLE"], &rows);
    Ok(())
}

fn show_names(session: &Session, names: &[Suggestion]) -> anyhow::Result<()> {
    for name in names {
        match session.json {
            true => output::json(&json!({"text": name.text, "kind": lower(name.kind()), "id": name.id})),
            false => output::text(&name.text),
        }
    }
    Ok(())
}

fn kind(kind: FoundKind) -> Kind {
    match kind {
        FoundKind::Song => Kind::Song,
        FoundKind::Album => Kind::Album,
        FoundKind::Artist => Kind::Artist,
        FoundKind::Playlist => Kind::Playlist,
    }
}

/// "song" of `KIND_SONG`.
fn lower(kind: Kind) -> String {
    kind.as_str_name().trim_start_matches("KIND_").to_ascii_lowercase()
}

/// What each kind has in common, and its own id.
fn on_a_line(score: f32, item: Item) -> Value {
    match item {
        Item::Song(song) => json!({
            "kind": "song", "song_id": song.song_id, "title": song.title, "score": score, "artists": song.artists,
            "album": song.album, "duration_ms": song.duration_ms,
        }),
        Item::Album(album) => json!({
            "kind": "album", "album_id": album.album_id, "title": album.title, "score": score,
            "album_artist": album.album_artist, "year": album.year, "song_count": album.song_count,
            "duration_ms": album.duration_ms,
        }),
        Item::Artist(artist) => json!({
            "kind": "artist", "artist_id": artist.artist_id, "title": artist.name, "score": score,
            "song_count": artist.song_count,
        }),
        Item::Playlist(playlist) => json!({
            "kind": "playlist", "playlist_id": playlist.playlist_id, "title": playlist.title, "score": score,
            "item_count": playlist.item_count, "duration_ms": playlist.duration_ms,
        }),
    }
}

fn row(item: Item) -> Vec<String> {
    let [kind, id, length, artist, album, title] = match item {
        Item::Song(song) => [
            "song".to_owned(),
            song.song_id,
            table::duration(song.duration_ms),
            song.artists.join(", "),
            song.album,
            song.title,
        ],
        Item::Album(album) => [
            "album".to_owned(),
            album.album_id,
            table::duration(album.duration_ms),
            album.album_artist,
            String::new(),
            album.title,
        ],
        Item::Artist(artist) => {
            ["artist".to_owned(), artist.artist_id, String::new(), String::new(), String::new(), artist.name]
        }
        Item::Playlist(playlist) => [
            "playlist".to_owned(),
            playlist.playlist_id,
            table::duration(playlist.duration_ms),
            String::new(),
            String::new(),
            playlist.title,
        ],
    };
    vec![kind, id, length, artist, album, title]
}
