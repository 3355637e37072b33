//! Keeping songs for offline.

mod batch;
mod outcome;
mod single;

pub(crate) use batch::Batch;
pub(crate) use outcome::Outcome;

use super::{Session, name};
use crate::{
    cli::{DownloadArgs, KeepArgs, QualityArg},
    output::{self, AlreadySaid},
};
use indicatif::HumanBytes;
use segue_client::{
    Patience, Quality,
    download::{Collection, Folder, Form, QUEUE_NAME, QueueEntry, Record, Target, queue},
};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, sync::Arc, time::Duration};

pub(crate) async fn download(session: &Session, args: DownloadArgs) -> anyhow::Result<()> {
    let patience = patience(&args.keep);
    let target = find(session, &args.what, patience).await?;
    let alone = matches!(target, Target::Song(_));
    let collection = session.client.collection(target, patience).await?;
    anyhow::ensure!(!collection.entries.is_empty(), "there are no songs in {:?}", collection.title);
    let folder = Arc::new(Folder::open(&args.to)?);
    let batch = Batch::new(session, &folder, &args.keep, collection.album.as_ref(), false);
    let outcomes = batch.run(&collection.entries).await?;
    if !alone {
        write_queue(&folder, &collection, &outcomes)?;
    }
    finish(session, &outcomes, &args.to)
}

/// The song, album or playlist of this id, else the only one of this title.
pub(crate) async fn find(session: &Session, what: &str, patience: Patience) -> anyhow::Result<Target> {
    // Before anything else, so that nobody is told that there is nothing when they are not signed in.
    session.client.access_token().await?;
    if let Some(target) = session.client.target(what, patience).await? {
        return Ok(target);
    }
    let named = [
        ("song", name::maybe_song(session, what).await?),
        ("playlist", name::maybe_playlist(session, what).await?),
        ("album", name::maybe_album(session, what).await?),
    ];
    let found: Vec<(&str, String)> =
        named.into_iter().filter_map(|(kind, id)| Some((kind, id?))).filter(|(_, id)| id != what).collect();
    if let [_, _, ..] = found[..] {
        let lines: Vec<String> = found.iter().map(|(kind, id)| format!("\n  {kind} {id}")).collect();
        anyhow::bail!("{what:?} may mean several; say the id of one:{}", lines.concat());
    }
    let target = match found.first() {
        Some((_, id)) => session.client.target(id, patience).await?,
        None => None,
    };
    let nothing =
        || output::Nothing(format!("there is no song, album or playlist {what:?} that you may see"));
    Ok(target.ok_or_else(nothing)?)
}

/// How long to go on while the server is away.
pub(crate) fn patience(args: &KeepArgs) -> Patience {
    Patience(Duration::from_secs(args.patience))
}

/// What the arguments ask for.
pub(crate) fn quality(args: &KeepArgs) -> Quality {
    match args.quality {
        QualityArg::Best => Quality::Best,
        QualityArg::Aac256 => Quality::AtMost(256),
        QualityArg::Aac128 => Quality::AtMost(128),
        QualityArg::Aac64 => Quality::AtMost(64),
    }
}

/// How the arguments ask for it.
pub(crate) fn form(args: &KeepArgs) -> Form {
    if args.single_file { Form::Single } else { Form::Hls }
}

/// A summary for people, and the exit code.
pub(crate) fn finish(session: &Session, outcomes: &[Outcome], to: &Path) -> anyhow::Result<()> {
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    if !session.json {
        let kept = outcomes.len() - failed;
        let bytes: u64 = outcomes.iter().map(|outcome| outcome.fetched).sum();
        let songs = if kept == 1 { "song is" } else { "songs are" };
        output::text(&format!("{kept} {songs} in {}; {} fetched", to.display(), HumanBytes(bytes)));
        if failed > 0 {
            output::text(&format!("{failed} failed; run it again to go on where it was"));
        }
    }
    if failed == 0 { Ok(()) } else { Err(AlreadySaid(1).into()) }
}

/// Writes the queue in the order of the collection. A queue that somebody else wrote or changed stays, and that is said.
pub(crate) fn write_queue(
    folder: &Folder,
    collection: &Collection,
    outcomes: &[Outcome],
) -> anyhow::Result<()> {
    let by_id: std::collections::HashMap<&str, &Outcome> =
        outcomes.iter().map(|outcome| (outcome.song_id.as_str(), outcome)).collect();
    let entries = collection.entries.iter().filter_map(|entry| {
        let outcome = by_id.get(entry.song_id.as_str())?;
        let path = outcome.path.as_ref()?.strip_prefix(folder.root()).ok()?;
        let path = path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        Some(QueueEntry { path, title: outcome.title.clone(), duration_ms: outcome.duration_ms })
    });
    let text = queue(&collection.title, &entries.collect::<Vec<_>>());
    let path = folder.root().join(QUEUE_NAME);
    let mark = folder.root().join(".segue").join("queue.sha256");
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    match fs::read(&path) {
        Ok(there) if there == text.as_bytes() => return Ok(()),
        Ok(there) if fs::read_to_string(&mark).ok() != Some(hash(&there)) => {
            output::note(&format!("{} is not as it was written; it stays as it is", path.display()));
            return Ok(());
        }
        _ => {}
    }
    // Remembered first: killed in between, the old queue is somebody's, and is said to stay; never the other way.
    segue_client::download::write_whole(&mark, hash(text.as_bytes()).as_bytes())?;
    segue_client::download::write_whole(&path, text.as_bytes())?;
    Ok(())
}

/// What is played of a song that is in the folder already.
pub(crate) fn playable(folder: &Folder, record: &Record) -> std::path::PathBuf {
    let path = folder.path(record);
    match record.form {
        Form::Hls => path.join(segue_client::download::MASTER_NAME),
        Form::Single => path,
    }
}
