//! Finding songs.

use super::{Session, table};
use crate::{cli::SearchArgs, output};
use segue_client::proto::search::v1::{SearchResult, SongItem, search_result::Item};
use serde_json::json;

pub(crate) async fn search(session: &Session, args: SearchArgs) -> anyhow::Result<()> {
    let results = session.client.search(&args.words.join(" "), args.limit).await?;
    let songs: Vec<(f32, SongItem)> = results.into_iter().filter_map(song).collect();
    if session.json {
        for (score, song) in songs {
            output::json(&json!({
                "song_id": song.song_id, "title": song.title, "score": score, "artists": song.artists,
                "album": song.album, "duration_ms": song.duration_ms,
            }));
        }
        return Ok(());
    }
    if songs.is_empty() {
        output::text("nothing found");
        return Ok(());
    }
    let row = |(_, song): (f32, SongItem)| {
        vec![song.song_id, table::duration(song.duration_ms), song.artists.join(", "), song.album, song.title]
    };
    let rows: Vec<Vec<String>> = songs.into_iter().map(row).collect();
    table::print(&["ID", "LENGTH", "ARTIST", "ALBUM", "TITLE"], &rows);
    Ok(())
}

/// Kinds that this version does not know are left out.
fn song(result: SearchResult) -> Option<(f32, SongItem)> {
    match result.item? {
        Item::Song(song) => Some((result.score, song)),
        _ => None,
    }
}
