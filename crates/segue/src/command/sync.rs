//! Keeping a folder in step with a playlist.

use super::{
    Session,
    download::{Batch, Outcome, finish, form, patience, playable, write_queue},
    name,
};
use crate::{cli::SyncArgs, output};
use segue_client::{
    ClientError,
    download::{Entry, Folder, Record, SyncState, Target},
    proto::song::v1::Song,
};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

pub(crate) async fn sync(session: &Session, args: SyncArgs) -> anyhow::Result<()> {
    let patience = patience(&args.keep);
    let id = name::playlist(session, &args.playlist).await?;
    let Some(Target::Playlist(playlist)) = session.client.target(&id, patience).await? else {
        anyhow::bail!(
            "{:?} is no playlist that you may see; songs and albums are for 'segue download'",
            args.playlist
        );
    };
    let playlist_id = playlist.playlist_id.clone();
    let collection = session.client.collection(Target::Playlist(playlist), patience).await?;
    let folder = Arc::new(Folder::open(&args.to)?);
    let before = SyncState::load(&folder)?;
    if let Some(other) = before.filter(|state| state.playlist_id != playlist_id) {
        anyhow::bail!(
            "{} follows the playlist {}; choose another folder",
            args.to.display(),
            other.playlist_id
        );
    }
    let form = form(&args.keep);
    let mut seen = HashSet::new();
    let entries: Vec<&Entry> =
        collection.entries.iter().filter(|entry| seen.insert(entry.song_id.as_str())).collect();
    let ids: Vec<String> = entries.iter().map(|entry| entry.song_id.clone()).collect();
    let songs: Vec<Song> = entries.iter().filter_map(|entry| entry.song.clone()).collect();
    let names = || {
        let named = |id: &String| Some((id.clone(), folder.record(id, form)?.name));
        ids.iter().filter_map(named).collect()
    };

    // Whose folder it is, before anything is written into it.
    SyncState { playlist_id: playlist_id.clone(), songs: names() }.save(&folder)?;
    let step = folder.step(&ids, &songs, form)?;
    if !collection.whole {
        let text = "the playlist is being changed; what left it is removed next time";
        say(session, "", "unfinished", text, &[]);
    }
    for record in step.remove.iter().filter(|_| collection.whole) {
        remove(session, &folder, record)?;
    }
    let renamed = step.rename.iter().map(|(record, _)| record.name.clone()).collect::<Vec<_>>();
    for (record, old) in folder.rename(step.rename)?.iter().zip(renamed) {
        say(session, &record.song_id, "renamed", &format!("{old} is now {}", record.name), &[]);
    }

    let (here, away): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().cloned().partition(|entry| entry.song.is_some());
    let batch = Batch::new(session, &folder, &args.keep, None, true);
    let mut outcomes = batch.run(&here).await?;
    let good = outcomes.clone();
    for entry in away {
        let mut outcome = Outcome::new(&entry.song_id, None);
        // What is there of it stays, and stays in the queue.
        if let Some(record) = folder.record(&entry.song_id, form).filter(|record| record.complete) {
            outcome.title.clone_from(&record.wanted);
            outcome.path = Some(playable(&folder, &record));
        }
        let text = "is not available: deleted, hidden or not READY";
        say(session, &entry.song_id, "unavailable", &format!("{} {text}", outcome.title), &[]);
        outcomes.push(outcome);
    }
    write_queue(&folder, &collection, &outcomes)?;
    SyncState { playlist_id, songs: names() }.save(&folder)?;
    finish(session, &good, &args.to)
}

fn remove(session: &Session, folder: &Folder, record: &Record) -> Result<(), ClientError> {
    let removed = folder.remove(record)?;
    let left: Vec<String> = removed.left.iter().map(|path| path.display().to_string()).collect();
    say(session, &record.song_id, "removed", &format!("removed {}", record.name), &left);
    Ok(())
}

/// What was done besides downloading.
fn say(session: &Session, song_id: &str, what: &str, text: &str, left: &[String]) {
    if session.json {
        return output::json(&json!({ "song_id": song_id, "action": what, "text": text, "left": left }));
    }
    output::text(&format!("- {text}"));
    for path in left {
        output::text(&format!("  {path} was changed or is not ours, and stays"));
    }
}
