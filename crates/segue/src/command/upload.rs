//! Uploading files and folders, with a bar for each.

mod bar;
mod find;

use super::{Session, play, song};
use crate::{
    cli::UploadArgs,
    output::{self, AlreadySaid},
};
use bar::Bar;
use futures::StreamExt;
use indicatif::{HumanBytes, MultiProgress};
use segue_client::{
    Patience, Progress, Stage, UploadOptions, Uploaded, identify, proto::song::v1::SongState,
};
use serde::Serialize;
use serde_json::json;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Files on their way at once; more are waiting for their encoder.
const SENDING: usize = 2;
const WAITING: usize = 16;

#[derive(Serialize)]
struct Outcome {
    file: String,
    song_id: Option<String>,
    state: Option<&'static str>,
    playback_url: Option<String>,
    error: Option<String>,
    /// Of the error, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skipped: bool,
    /// The song had failed before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retried: bool,
    /// Of an interrupted upload, bytes that the server had.
    #[serde(skip_serializing_if = "is_zero")]
    resumed_bytes: u64,
    /// Who may see what was there already, where that is not what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    still: Option<&'static str>,
    #[serde(skip)]
    sent_bytes: u64,
    #[serde(skip)]
    exit_code: u8,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

pub(crate) async fn upload(session: &Session, args: UploadArgs) -> anyhow::Result<()> {
    // Before a long hash, and once for all files.
    session.client.access_token().await?;
    let found = find::find(&args.paths);
    let passed_over = found.passed_over();
    for (path, error) in &found.failed {
        say(session, None, &Outcome::failed(path, error.clone()));
    }
    if found.files.is_empty() && found.failed.is_empty() {
        let passed_over = passed_over.map(|said| format!("; {said}")).unwrap_or_default();
        anyhow::bail!(
            "no audio files found; a folder is searched for {}{passed_over}",
            find::READ.join(", ")
        );
    }
    let mut exit_code = 1;
    let mut failed: Vec<PathBuf> = found.failed.into_iter().map(|(path, _)| path).collect();
    let bars = (!session.json && std::io::stderr().is_terminal()).then(MultiProgress::new);
    let sending = Semaphore::new(SENDING);
    let (args, sending, bars) = (&args, &sending, bars.as_ref());
    let mut outcomes = futures::stream::iter(found.files)
        .map(|path| async move {
            let outcome = one(session, args, sending, bars, &path).await;
            (path, outcome)
        })
        .buffer_unordered(WAITING);
    let (mut files, mut skipped) = (failed.len(), 0);
    while let Some((path, outcome)) = outcomes.next().await {
        let good = outcome.error.is_none()
            && match args.no_wait {
                true => !matches!(outcome.state, None | Some("CREATED" | "FAILED")),
                false => outcome.state == Some("READY"),
            };
        files += 1;
        skipped += usize::from(good && outcome.skipped);
        if !good {
            failed.push(path);
            exit_code = exit_code.max(outcome.exit_code);
        }
        say(session, bars, &outcome);
    }
    match passed_over {
        Some(_) if session.json => output::hint(&json!({"passed_over": found.passed_over}).to_string()),
        Some(said) => output::hint(&said),
        None => {}
    }
    if files > 1 && !session.json {
        let sent = files - skipped - failed.len();
        output::hint(&format!("{sent} uploaded, {skipped} already there, {} failed", failed.len()));
    }
    if failed.is_empty() { Ok(()) } else { Err(AlreadySaid(exit_code).into()) }
}

impl Outcome {
    fn failed(path: &Path, error: String) -> Self {
        let file = path.display().to_string();
        let (error, reason) = (Some(error), Some("FAILED".into()));
        Self {
            file,
            song_id: None,
            state: None,
            playback_url: None,
            error,
            reason,
            skipped: false,
            retried: false,
            resumed_bytes: 0,
            still: None,
            sent_bytes: 0,
            exit_code: 1,
        }
    }

    /// How the bytes came there, and how far the song is.
    fn words(&self) -> String {
        let (sent, resumed) = (HumanBytes(self.sent_bytes), HumanBytes(self.resumed_bytes));
        let came = match (self.skipped, self.retried, self.resumed_bytes) {
            (true, _, _) => match self.still {
                Some(still) => {
                    format!("already there, still {}: 'segue edit' changes that", still.to_lowercase())
                }
                None => "already there".to_owned(),
            },
            (_, true, _) => "had failed, tried again".to_owned(),
            (_, _, 0) => format!("sent {sent}"),
            _ => format!("resumed: {resumed} were there, sent {sent}"),
        };
        let state = match self.state {
            Some("READY") => "it plays",
            Some("UPLOADED") => "waits for the encoder",
            Some("PROCESSING") => "is being encoded",
            _ => "is on its way",
        };
        format!("{came}; {state}")
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
    (outcome.error, outcome.reason) = (None, None);
    if let Err(error) = result {
        let (reason, exit_code) = output::judge(&error);
        (outcome.error, outcome.reason) = (Some(output::message(&error)), Some(reason));
        outcome.exit_code = exit_code;
    }
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
        let named = path.to_owned();
        if let Some(kind) = tokio::task::spawn_blocking(move || find::other_content(&named)).await? {
            return Err(output::OtherAudio(kind).into());
        }
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
    let Uploaded { song: mut done, skipped, retried, sent_bytes, resumed_bytes } = uploaded;
    (outcome.skipped, outcome.retried) = (skipped, retried);
    (outcome.sent_bytes, outcome.resumed_bytes) = (sent_bytes, resumed_bytes);
    let other = |asked| song::visibility(asked) != done.visibility();
    outcome.still =
        args.visibility.filter(|asked| skipped && other(*asked)).map(|_| song::visibility_name(&done));
    outcome.song_id = Some(done.song_id.clone());
    outcome.state = Some(song::state_name(&done));
    if !args.no_wait && done.state() != SongState::Ready {
        bar.at(Stage::Encoding, 0, 100);
        let heard = |_: &_, percent: u32| bar.at(Stage::Encoding, percent.into(), 100);
        done = session.client.watch(&done.song_id, patience, heard).await?;
        outcome.state = Some(song::state_name(&done));
    }
    match song::failed(&done) {
        // Nothing was sent: what is stored are these very bytes.
        Err(e) if retried && sent_bytes == 0 => {
            return Err(e.context("it was uploaded before and failed again; the file is the same"));
        }
        failed => failed?,
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
        // What is wrong with the file itself begins with its name.
        (Some(error), None) if error.starts_with(&outcome.file) => format!("✗ {error}"),
        (Some(error), None) => format!("✗ {}: {error}", outcome.file),
        (None, _) => {
            let id = outcome.song_id.as_deref().unwrap_or_default();
            let mut text = format!("✓ {} ({})\n  {id}", outcome.file, outcome.words());
            if let Some(url) = outcome.playback_url.as_ref().filter(|_| !outcome.skipped) {
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
