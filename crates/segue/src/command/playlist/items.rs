//! What is in a playlist, and where.

use super::{Session, name, object, print, say, table};
use crate::{
    cli::{AddArgs, PlaceArgs},
    command::library,
    output,
};
use anyhow::Context;
use segue_client::{
    Items,
    proto::playlist::v1::{Item, Place, place::At},
};
use serde_json::json;
use std::io::BufRead;

pub(super) async fn show(session: &Session, text: &str) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    if !session.json {
        print(session, &session.client.playlist(&playlist_id).await?);
        output::text("");
    }
    let items = session.client.playlist_items(&playlist_id).await?.items;
    if session.json {
        for (at, item) in items.iter().enumerate() {
            let mut line = library::object(&item.song_id, item.song.as_ref(), item.available);
            line["item_id"] = item.item_id.as_str().into();
            line["position"] = (at + 1).into();
            line["added_by"] = item.added_by.as_str().into();
            line["add_time"] = item.add_time.map(|t| t.to_string()).into();
            output::json(&line);
        }
        return Ok(());
    }
    if items.is_empty() {
        output::text("nothing in it yet; 'segue playlist add' adds songs");
        return Ok(());
    }
    let row = |(at, item): (usize, &Item)| {
        let begin = vec![(at + 1).to_string(), item.song_id.clone()];
        [begin, library::cells(item.song.as_ref(), item.available)].concat()
    };
    let rows: Vec<_> = items.iter().enumerate().map(row).collect();
    table::print(&["#", "SONG", "LENGTH", "ARTIST", "TITLE"], &rows);
    Ok(())
}

pub(super) async fn add(session: &Session, args: AddArgs) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, &args.playlist).await?;
    let mut wanted = Vec::new();
    for text in args.songs {
        match text.as_str() {
            "-" => wanted.extend(read_names()?),
            _ => wanted.push(text),
        }
    }
    let mut songs = name::songs(session, &wanted).await?;
    if let Some(album) = &args.album {
        let album_id = name::album(session, album).await?;
        songs.extend(session.client.album_songs(&album_id).await?.into_iter().map(|song| song.song_id));
    }
    if songs.is_empty() {
        return Err(output::Usage("there are no songs to add".into()).into());
    }
    let place = match &args.place {
        PlaceArgs { before: None, after: None, first } => place_of(&args.place, &Items::default(), *first)?,
        _ => place_of(&args.place, &session.client.playlist_items(&playlist_id).await?, false)?,
    };
    let added = session.client.add_items(&playlist_id, &songs, place).await?;
    if session.json {
        for item in &added.items {
            output::json(
                &json!({"item_id": item.item_id, "song_id": item.song_id, "playlist_id": playlist_id}),
            );
        }
        return Ok(());
    }
    say(session, &added.playlist, &format!("added {}", table::count(added.items.len() as u64, "song")));
    Ok(())
}

pub(super) async fn remove(session: &Session, text: &str, wanted: &[String]) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let read = session.client.playlist_items(&playlist_id).await?;
    let ids = wanted.iter().map(|text| find(&read.items, text).map(|item| item.item_id.clone()));
    let ids = ids.collect::<anyhow::Result<Vec<_>>>()?;
    let (removed, playlist) = session.client.remove_items(&playlist_id, &ids).await?;
    if session.json {
        for item_id in &removed {
            output::json(&json!({"item_id": item_id, "playlist_id": playlist_id, "removed": true}));
        }
        return Ok(());
    }
    say(session, &playlist, &format!("removed {}", table::count(removed.len() as u64, "song")));
    Ok(())
}

/// Moves an item. A number means what stands there now, so that a playlist that was changed meanwhile is not touched.
pub(super) async fn relocate(
    session: &Session,
    text: &str,
    item: &str,
    whither: &PlaceArgs,
) -> anyhow::Result<()> {
    let playlist_id = name::playlist(session, text).await?;
    let read = session.client.playlist_items(&playlist_id).await?;
    let moved = find(&read.items, item)?;
    let place = place_of(whither, &read, whither.first)?;
    let playlist = session.client.move_item(&playlist_id, &moved.item_id, place, &read.etag).await?;
    match session.json {
        true => output::json(&object(&playlist)),
        false => say(session, &playlist, "moved"),
    }
    Ok(())
}

/// Names of songs from standard input, one on each line.
fn read_names() -> anyhow::Result<Vec<String>> {
    let lines = std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>();
    let lines = lines.context("standard input")?;
    Ok(lines.iter().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect())
}

fn place_of(args: &PlaceArgs, read: &Items, first: bool) -> anyhow::Result<Option<Place>> {
    let at = match (&args.before, &args.after) {
        (Some(before), _) => At::BeforeItemId(find(&read.items, before)?.item_id.clone()),
        (_, Some(after)) => At::AfterItemId(find(&read.items, after)?.item_id.clone()),
        _ if first => At::First(true),
        _ => return Ok(None),
    };
    Ok(Some(Place { at: Some(at) }))
}

/// The item that a text means: a number from 1, an item id, a song id, or a song's title.
fn find<'a>(items: &'a [Item], text: &str) -> anyhow::Result<&'a Item> {
    let is_meant = |item: &&Item| {
        let title = |song: &segue_client::proto::song::v1::Song| {
            let names = [song.title.clone(), name::song_label(song)];
            names.iter().any(|name| name.to_lowercase() == text.trim().to_lowercase())
        };
        item.item_id == text || item.song_id == text || item.song.as_ref().is_some_and(title)
    };
    // A title may be a number; a number that is none of the places is looked for among titles.
    if let Some(item) = text.parse::<usize>().ok().and_then(|n| items.get(n.checked_sub(1)?)) {
        return Ok(item);
    }
    let found: Vec<(usize, &Item)> = items.iter().enumerate().filter(|(_, item)| is_meant(item)).collect();
    match found.as_slice() {
        [] => anyhow::bail!("{text:?} is not in the playlist; 'segue playlist show' numbers what is"),
        [(_, item)] => Ok(item),
        several => {
            let places: Vec<String> = several.iter().map(|(at, _)| (at + 1).to_string()).collect();
            let said = format!(
                "{text:?} is in the playlist {} times; name one by its number: {}",
                several.len(),
                places.join(", ")
            );
            Err(output::Several(said).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_client::proto::song::v1::Song;

    fn item(n: usize, title: &str) -> Item {
        let song = Song { title: title.into(), artists: vec!["A".into()], ..Default::default() };
        Item {
            item_id: format!("i{n}"),
            song_id: format!("s-{title}"),
            song: Some(song),
            ..Default::default()
        }
    }

    #[test]
    fn an_item_has_a_number_an_id_a_song_and_a_title() {
        let items: Vec<Item> =
            ["one", "two", "one", "7"].iter().enumerate().map(|(n, t)| item(n, t)).collect();
        for (text, id) in
            [("2", "i1"), ("i2", "i2"), ("s-two", "i1"), ("TWO", "i1"), ("a - two", "i1"), ("7", "i3")]
        {
            assert_eq!(find(&items, text).unwrap().item_id, id, "{text}");
        }
        for (text, said) in
            [("one", "2 times; name one by its number: 1, 3"), ("0", "not in the playlist"), ("x", "not in")]
        {
            assert!(find(&items, text).unwrap_err().to_string().contains(said), "{text}");
        }
    }
}
