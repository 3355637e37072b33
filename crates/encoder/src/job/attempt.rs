//! One attempt: spool, child process, objects. Ends with everything stored but the manifest.

use super::{
    Job,
    output::{MANIFEST, Output},
    progress::Progress,
    spool::spool,
    stop::Stop,
};
use crate::{
    child::{Child, Death, Frame, MAX_OBJECT, Order},
    encoder::Inner,
    encoding::{Failure, State},
};
use bytes::Bytes;
use segue_domain::FailureReason;
use segue_media::{MANIFEST_VERSION, Manifest};
use std::{fs::File, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often a running attempt looks whether its row still wants it: a cancel that was not heard costs this much.
const LOOK: Duration = Duration::from_secs(10);
/// Longest sentence of the child that is handed on, characters.
const MOST_MESSAGE: usize = 500;

/// What a child has made.
pub(super) struct Made {
    pub(super) manifest: Manifest,
    /// The manifest as it will be stored.
    pub(super) json: Bytes,
    pub(super) total_bytes: u64,
}

/// Runs an attempt until it is done, fails, is cancelled, or takes too long. Dropping it kills the child.
pub(super) async fn attempt(
    encoder: &Inner,
    job: &Job,
    output: &mut Output,
    cancel: &CancellationToken,
    shutdown: &CancellationToken,
) -> Result<Made, Stop> {
    let wall = encoder.config.wall_limit();
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::cancelled("the encoding was cancelled")),
        () = shutdown.cancelled() => Err(Stop::ShuttingDown),
        () = tokio::time::sleep(wall) => Err(Stop::Died(format!("attempt took longer than {} s", wall.as_secs()))),
        () = unwanted(encoder, job) => Err(Stop::Ended),
        made = make(encoder, job, output) => made,
    }
}

/// Ends when the row has ended without us.
async fn unwanted(encoder: &Inner, job: &Job) {
    loop {
        tokio::time::sleep(LOOK).await;
        match encoder.repository.get(job.header.song, job.header.id).await {
            Ok(Some(row)) if row.state != State::Running => return,
            // The store decides when the output is published; now it only informs.
            _ => {}
        }
    }
}

async fn make(encoder: &Inner, job: &Job, output: &mut Output) -> Result<Made, Stop> {
    if encoder.songs.owner(job.header.song).await?.is_none() {
        return Err(Stop::cancelled("the song was deleted"));
    }
    let file = spool(&*encoder.deps.blob, job, encoder.config.spool_dir()).await?;
    let mut progress = Progress::new(encoder.deps.bus.clone(), encoder.running.clone(), job.header);
    let json = run_child(encoder, job, file, output, &mut progress).await?;
    output.drain().await?;
    let manifest: Manifest = serde_json::from_slice(&json)
        .map_err(|e| Stop::Died(format!("child process sent no manifest: {e}")))?;
    if manifest.version != MANIFEST_VERSION || manifest.song != job.header.song.to_string() {
        return Err(Stop::Died("child process sent a manifest of something else".into()));
    }
    let total_bytes = output.check(&manifest)? + json.len() as u64;
    Ok(Made { manifest, json, total_bytes })
}

async fn run_child(
    encoder: &Inner,
    job: &Job,
    file: File,
    output: &mut Output,
    progress: &mut Progress,
) -> Result<Bytes, Stop> {
    let order = order(encoder, job);
    let started = Child::start(&encoder.deps.worker, file, &order).await;
    // Out of processes or memory, or a wrong path: neither is the job's fault.
    let mut child = started.map_err(|e| Stop::Away(format!("cannot start a child process: {e}")))?;
    let mut manifest = None;
    loop {
        match child.frame().await? {
            Frame::Progress(thousandths) => progress.tell(thousandths),
            Frame::Object { name, content_type, bytes } if name == MANIFEST => {
                if content_type != "application/json" || manifest.replace(bytes).is_some() {
                    return Err(Stop::Died("child process sent a strange manifest".into()));
                }
            }
            Frame::Object { .. } if manifest.is_some() => {
                return Err(Stop::Died("child process sent an object after the manifest".into()));
            }
            Frame::Object { name, content_type, bytes } => output.put(name, content_type, bytes).await?,
            Frame::Failed { reason, message } => return Err(failed(&reason, &message)),
            Frame::Done => break,
        }
    }
    child.finish().await?;
    manifest.ok_or_else(|| Stop::Died("child process is done and sent no manifest".into()))
}

fn order(encoder: &Inner, job: &Job) -> Order {
    let config = &encoder.config;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    Order {
        song: job.header.song.to_string(),
        max_duration_s: config.max_duration_s,
        parent: std::process::id(),
        memory_bytes: config.memory_limit_bytes,
        cpu_s: config.wall_limit_s.saturating_mul(cores),
        niceness: config.niceness,
    }
}

/// Only reasons that blame the file are believed; the others are faults of ours.
fn failed(reason: &str, message: &str) -> Stop {
    use FailureReason::{DamagedAudio, EmptyFile, NotAudio, TooLong, UnsupportedAudio};
    match reason.parse() {
        Ok(reason @ (NotAudio | UnsupportedAudio | DamagedAudio | EmptyFile | TooLong)) => {
            let message = message.chars().filter(|c| !c.is_control()).take(MOST_MESSAGE).collect::<String>();
            Stop::Failed(Failure::new(reason, message))
        }
        _ => Stop::Died(format!("child process failed: {reason:.50}: {message:.500}")),
    }
}

impl From<Death> for Stop {
    fn from(death: Death) -> Self {
        Self::Died(death.0)
    }
}

/// Most bytes of an output: lossless is never much more than its source, and the lossy rungs of the longest song
/// are below four gigabytes.
pub(super) fn room(job: &Job) -> u64 {
    job.size.saturating_mul(2).saturating_add(4 << 30).saturating_add(MAX_OBJECT as u64)
}
