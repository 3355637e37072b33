//! Likes and listening history.

use super::{Session, name, table};
use crate::{
    cli::{HistoryArgs, LimitArg, PlayedArgs, SongNames},
    output,
};
use segue_client::proto::{playlist::v1::PlayedOrder, song::v1::Song};
use serde_json::json;

pub(crate) async fn like(session: &Session, args: SongNames, liked: bool) -> anyhow::Result<()> {
    for text in &args.songs {
        let song_id = name::song(session, text).await?;
        match liked {
            true => session.client.like(&song_id).await?,
            false => session.client.unlike(&song_id).await?,
        }
        match (session.json, liked) {
            (true, _) => output::json(&json!({"song_id": song_id, "liked": liked})),
            (false, true) => output::text(&format!("liked {text}")),
            (false, false) => output::text(&format!("{text} is liked no longer")),
        }
    }
    Ok(())
}

pub(crate) async fn likes(session: &Session, args: LimitArg) -> anyhow::Result<()> {
    let likes = session.client.likes(most(&args)).await?;
    if session.json {
        for like in likes {
            let time = like.like_time.map(|t| t.to_string());
            let mut line = object(&like.song_id, like.song.as_ref(), like.available);
            line["like_time"] = time.into();
            output::json(&line);
        }
        return Ok(());
    }
    let row = |like: &segue_client::proto::playlist::v1::Like| {
        let when = table::moment(like.like_time.as_ref());
        [vec![like.song_id.clone(), when], cells(like.song.as_ref(), like.available)].concat()
    };
    let rows: Vec<_> = likes.iter().map(row).collect();
    print(
        &["ID", "LIKED", "LENGTH", "ARTIST", "TITLE"],
        &rows,
        "no liked songs yet; 'segue like SONG' likes one",
    );
    Ok(())
}

pub(crate) async fn history(session: &Session, args: HistoryArgs) -> anyhow::Result<()> {
    if args.clear {
        output::confirm("Delete your whole listening history for good?", args.yes)?;
        let deleted = session.client.delete_history().await?;
        match session.json {
            true => output::json(&json!({"deleted": deleted})),
            false => output::text(&format!(
                "deleted; it had {}",
                table::count(deleted, "entry").replace("entrys", "entries")
            )),
        }
        return Ok(());
    }
    let entries = session.client.history(most(&args.limit)).await?;
    if session.json {
        for entry in entries {
            let play = entry.play.unwrap_or_default();
            let mut line = object(&play.song_id, entry.song.as_ref(), entry.available);
            line["event_id"] = play.event_id.into();
            line["start_time"] = play.start_time.map(|t| t.to_string()).into();
            line["played_ms"] = play.played_ms.into();
            line["skipped"] = play.skipped.into();
            output::json(&line);
        }
        return Ok(());
    }
    let row = |entry: &segue_client::proto::playlist::v1::HistoryEntry| {
        let play = entry.play.clone().unwrap_or_default();
        let heard = if play.skipped { "skipped".into() } else { table::duration(play.played_ms) };
        let begin = vec![play.song_id.clone(), table::moment(play.start_time.as_ref()), heard];
        [begin, cells(entry.song.as_ref(), entry.available)].concat()
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    print(&["ID", "WHEN", "HEARD", "LENGTH", "ARTIST", "TITLE"], &rows, "nothing heard yet");
    Ok(())
}

pub(crate) async fn played(session: &Session, args: PlayedArgs) -> anyhow::Result<()> {
    let order = if args.recent { PlayedOrder::Recent } else { PlayedOrder::Most };
    let songs = session.client.played(order, most(&args.limit)).await?;
    if session.json {
        for played in songs {
            let mut line = object(&played.song_id, played.song.as_ref(), played.available);
            line["plays"] = played.plays.into();
            line["skips"] = played.skips.into();
            line["last_time"] = played.last_time.map(|t| t.to_string()).into();
            output::json(&line);
        }
        return Ok(());
    }
    let row = |played: &segue_client::proto::playlist::v1::Played| {
        let begin = vec![
            played.song_id.clone(),
            played.plays.to_string(),
            played.skips.to_string(),
            table::moment(played.last_time.as_ref()),
        ];
        [begin, cells(played.song.as_ref(), played.available)].concat()
    };
    let rows: Vec<_> = songs.iter().map(row).collect();
    print(&["ID", "PLAYS", "SKIPS", "LAST", "LENGTH", "ARTIST", "TITLE"], &rows, "nothing heard yet");
    Ok(())
}

/// No limit is all.
pub(crate) fn most(limit: &LimitArg) -> usize {
    limit.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// A song in a list: as the caller sees it, or the id alone.
pub(crate) fn object(song_id: &str, song: Option<&Song>, available: bool) -> serde_json::Value {
    json!({
        "song_id": song_id, "title": song.map(|s| s.title.as_str()).unwrap_or_default(),
        "artists": song.map(|s| s.artists.clone()).unwrap_or_default(),
        "album": song.map(|s| s.album.as_str()).unwrap_or_default(),
        "duration_ms": song.map(|s| s.duration_ms).unwrap_or_default(), "available": available,
    })
}

/// Length, artist and title of a song in a list.
pub(crate) fn cells(song: Option<&Song>, available: bool) -> Vec<String> {
    match song {
        None => vec![String::new(), String::new(), "(gone, or hidden from you)".into()],
        Some(song) => {
            let mark = if available { "" } else { " (does not play now)" };
            vec![table::duration(song.duration_ms), song.artists.join(", "), format!("{}{mark}", song.title)]
        }
    }
}

fn print(headings: &[&str], rows: &[Vec<String>], none: &str) {
    if rows.is_empty() { output::text(none) } else { table::print(headings, rows) }
}
