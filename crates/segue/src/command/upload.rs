//! Uploading files and folders, with a bar for each.

use super::{Session, play, song};
use crate::{
    cli::UploadArgs,
    output::{self, AlreadySaid},
};
use futures::StreamExt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use segue_client::{
    ClientError, Patience, Progress, Stage, UploadOptions, identify, proto::song::v1::SongState,
};
use serde::Serialize;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Files on their way at once; more are waiting for their encoder.
const SENDING: usize = 2;
const WAITING: usize = 16;
/// What a folder is searched for. A file that is named is uploaded whatever it is called.
const AUDIO: [&str; 12] =
    ["mp3", "flac", "wav", "wave", "aif", "aiff", "m4a", "mp4", "ogg", "oga", "opus", "aac"];

#[derive(Serialize)]
struct Outcome {
    file: String,
    song_id: Option<String>,
    state: Option<&'static str>,
    playback_url: Option<String>,
    error: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skipped: bool,
}

pub(crate) async fn upload(session: &Session, args: UploadArgs) -> anyhow::Result<()> {
    // Before a long hash, and once for all files.
    session.client.access_token().await?;
    let (files, mut failed) = find(&args.paths);
    for (path, error) in &failed {
        say(session, None, &Outcome::failed(path, error.clone()));
    }
    if files.is_empty() && failed.is_empty() {
        anyhow::bail!("no audio files found; a folder is searched for {}", AUDIO.join(", "));
    }
    let bars = (!session.json && std::io::stderr().is_terminal()).then(MultiProgress::new);
    let sending = Semaphore::new(SENDING);
    let (args, sending, bars) = (&args, &sending, bars.as_ref());
    let mut outcomes = futures::stream::iter(files)
        .map(|path| async move {
            let outcome = one(session, args, sending, bars, &path).await;
            (path, outcome)
        })
        .buffer_unordered(WAITING);
    while let Some((path, outcome)) = outcomes.next().await {
        let good = outcome.error.is_none()
            && match args.no_wait {
                true => !matches!(outcome.state, None | Some("CREATED" | "FAILED")),
                false => outcome.state == Some("READY"),
            };
        if !good {
            failed.push((path, String::new()));
        }
        say(session, bars, &outcome);
    }
    if failed.is_empty() { Ok(()) } else { Err(AlreadySaid.into()) }
}

impl Outcome {
    fn failed(path: &Path, error: String) -> Self {
        let file = path.display().to_string();
        Self { file, song_id: None, state: None, playback_url: None, error: Some(error), skipped: false }
    }
}

async fn one(
    session: &Session,
    args: &UploadArgs,
    sending: &Semaphore,
    bars: Option<&MultiProgress>,
    path: &Path,
) -> Outcome {
    let bar = Bar::new(bars, path);
    let mut outcome = Outcome::failed(path, String::new());
    let result = upload_one(session, args, sending, &bar, path, &mut outcome).await;
    bar.finish();
    outcome.error = result.err().map(|e| format!("{e:#}"));
    outcome
}

async fn upload_one(
    session: &Session,
    args: &UploadArgs,
    sending: &Semaphore,
    bar: &Bar,
    path: &Path,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let patience = Patience(Duration::from_secs(args.patience));
    let uploaded = {
        let _turn = sending.acquire().await?;
        let total = std::fs::metadata(path).map_or(0, |m| m.len());
        let hashing = bar.clone();
        let file = identify(path, move |done| hashing.at(Stage::Hashing, done, total)).await?;
        anyhow::ensure!(file.size > 0, "the file is empty");
        let email = session.credentials.load()?.map(|c| c.email).unwrap_or_default();
        let url = session.client.url();
        let options = UploadOptions {
            wait: false,
            patience,
            request_id: Some(session.home.request_id(url, &email, &file.sha256)?),
            title: String::new(),
            public: args.visibility.map(song::visibility),
        };
        let uploaded = session.client.upload(&file, &options, bar).await?;
        session.home.forget_request(url, &email, &file.sha256);
        uploaded
    };
    outcome.skipped = uploaded.skipped;
    let mut done = uploaded.song;
    outcome.song_id = Some(done.song_id.clone());
    outcome.state = Some(song::state_name(&done));
    if !args.no_wait && done.state() != SongState::Ready {
        bar.at(Stage::Encoding, 0, 100);
        let heard = |_: &_, percent: u32| bar.at(Stage::Encoding, percent.into(), 100);
        done = session.client.watch(&done.song_id, patience, heard).await?;
        outcome.state = Some(song::state_name(&done));
    }
    if let Some(f) = done.failure.as_ref().filter(|_| done.state() == SongState::Failed) {
        return Err(ClientError::SongFailed { reason: f.reason.clone(), message: f.message.clone() }.into());
    }
    if done.state() == SongState::Ready {
        outcome.playback_url = Some(play::url(session, &done.song_id).await?);
    }
    Ok(())
}

fn say(session: &Session, bars: Option<&MultiProgress>, outcome: &Outcome) {
    if session.json {
        return output::json(outcome);
    }
    let text = match (&outcome.error, &outcome.song_id) {
        (Some(error), Some(song)) => format!("✗ {} ({song}): {error}", outcome.file),
        (Some(error), None) => format!("✗ {}: {error}", outcome.file),
        (None, _) => {
            let word = if outcome.skipped { "already there" } else { "uploaded" };
            let state = outcome.state.unwrap_or_default().to_lowercase();
            let mut text = format!(
                "✓ {} ({word}, {state})\n  {}",
                outcome.file,
                outcome.song_id.as_deref().unwrap_or_default()
            );
            if let Some(url) = &outcome.playback_url {
                text.push_str(&format!("\n  {url}"));
            }
            text
        }
    };
    match bars {
        Some(bars) => bars.suspend(|| output::text(&text)),
        None => output::text(&text),
    }
}

/// Files to upload, and paths that cannot be.
fn find(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        match std::fs::metadata(path) {
            Err(e) => failed.push((path.clone(), e.to_string())),
            Ok(meta) if meta.is_file() => files.push(path.clone()),
            Ok(_) => {
                for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
                    match entry {
                        Ok(entry) if entry.file_type().is_file() && is_audio(entry.path()) => {
                            files.push(entry.into_path())
                        }
                        Ok(_) => {}
                        Err(e) => failed.push((e.path().unwrap_or(path).to_owned(), e.to_string())),
                    }
                }
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|f| seen.insert(std::fs::canonicalize(f).unwrap_or_else(|_| f.clone())));
    (files, failed)
}

fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| AUDIO.contains(&e.as_str()))
}

/// A bar for one file: first bytes, then percent of the encoding. Nothing off a terminal.
#[derive(Clone)]
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(bars: Option<&MultiProgress>, path: &Path) -> Self {
        let Some(bars) = bars else { return Self(None) };
        let bar = bars.add(ProgressBar::new(0));
        let name: String = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        bar.set_prefix(name.chars().take(32).collect::<String>());
        bar.set_message("waiting");
        Self(Some(bar))
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn at(&self, stage: Stage, done: u64, total: u64) {
        let Some(bar) = &self.0 else { return };
        let (message, template) = match stage {
            Stage::Hashing => ("reading", BYTES),
            Stage::Uploading => ("uploading", BYTES),
            Stage::Encoding => ("encoding", PERCENT),
        };
        if bar.message() != message {
            // The templates are constants that parse.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            }
            bar.set_message(message);
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar.set_length(total);
        bar.set_position(done);
    }
}

const BYTES: &str =
    "{prefix:32} {msg:10} {bar:28} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec}";
const PERCENT: &str = "{prefix:32} {msg:10} {bar:28} {percent:>9}%";
