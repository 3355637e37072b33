//! Rebuilding: a new index beside the one that answers, filled from the services that own what can be found, put
//! in its place at the end.
//!
//! Facts go on to be applied, to both. A page that was read before a change may arrive after it; versions decide.

use crate::{Error, consume::rest, role::Inner, sources::Page};
use segue_domain::Timestamp;
use segue_ports::index::{Kind, Rebuild, Write};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How often a step is tried before the rebuild is given up.
const ATTEMPTS: u32 = 6;
/// Pause after a rebuild that failed, before the index is asked again whether it wants one.
const LATER: Duration = Duration::from_secs(5);

/// How far a rebuild is.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub started: Timestamp,
    /// Songs in the new index.
    pub songs: u64,
    /// How it ended; `None` while it goes on.
    pub ended: Option<Result<(), Error>>,
}

/// The rebuild that goes on in this process, or else a new one. It does not end with the caller.
pub(crate) fn start(search: &Arc<Inner>) -> watch::Receiver<Job> {
    let mut current = search.job.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(job) = current.as_ref().filter(|job| going_on(job)) {
        return job.clone();
    }
    let job = Job { started: search.clock.now(), songs: 0, ended: None };
    let (progress, job) = watch::channel(job);
    *current = Some(job.clone());
    let search = Arc::clone(search);
    search.tasks.clone().spawn(async move {
        let ended = search.stop.run_until_cancelled(build(&search, &progress)).await;
        let ended = ended.unwrap_or(Err(Error::Closing));
        match &ended {
            Ok(()) => tracing::info!(songs = progress.borrow().songs, "index rebuilt"),
            Err(error) => tracing::warn!(%error, "index was not rebuilt; the old one answers on"),
        }
        let outcome = if ended.is_ok() { "done" } else { "failed" };
        metrics::counter!("segue_search_rebuilds_total", "outcome" => outcome).increment(1);
        progress.send_modify(|job| job.ended = Some(ended));
    });
    job
}

/// False also for one whose task died.
fn going_on(job: &watch::Receiver<Job>) -> bool {
    job.borrow().ended.is_none() && job.has_changed().is_ok()
}

/// Rebuilds whenever the index wants it, and again until it does not want it any more.
pub(crate) async fn when_wanted(search: &Arc<Inner>) {
    while search.stop.run_until_cancelled(search.wanted.notified()).await.is_some() {
        // Another process may have done it meanwhile, or this one because somebody asked.
        while !matches!(search.index.prepare().await, Ok(false)) {
            let ended = start(search).wait_for(|job| job.ended.is_some()).await.map(|job| job.ended.clone());
            match ended {
                Ok(Some(Ok(()))) => break,
                Ok(Some(Err(Error::Closing))) => return,
                _ => {}
            }
            if rest(search, LATER).await.is_none() {
                return;
            }
        }
    }
}

async fn build(search: &Inner, progress: &watch::Sender<Job>) -> Result<(), Error> {
    tracing::info!("index is being rebuilt");
    let mut new = search.index.rebuild().await?;
    for kind in Kind::ALL {
        copy(search, new.as_mut(), kind, progress).await?;
    }
    Ok(new.finish().await?)
}

/// Everything of a kind.
async fn copy(
    search: &Inner,
    new: &mut dyn Rebuild,
    kind: Kind,
    progress: &watch::Sender<Job>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = read(search, kind, after).await?;
        let count = page.documents.len() as u64;
        let writes: Vec<Write> = page.documents.into_iter().map(|d| Write::Put(Box::new(d))).collect();
        for part in writes.chunks(1_000) {
            put(search, new, part).await?;
        }
        if kind == Kind::Song {
            progress.send_modify(|job| job.songs += count);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn read(search: &Inner, kind: Kind, after: Option<String>) -> Result<Page, Error> {
    let mut attempt = 1;
    loop {
        match search.sources.scan(kind, after.clone()).await {
            Err(error @ Error::Owner(..)) if attempt < ATTEMPTS => {
                again(search, &mut attempt, &error).await?;
            }
            result => return result,
        }
    }
}

async fn put(search: &Inner, new: &mut dyn Rebuild, writes: &[Write]) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        match new.apply(writes).await.map_err(Error::from) {
            Err(error @ Error::Index(_)) if attempt < ATTEMPTS => again(search, &mut attempt, &error).await?,
            result => return result,
        }
    }
}

async fn again(search: &Inner, attempt: &mut u32, error: &Error) -> Result<(), Error> {
    tracing::warn!(%error, attempt, "a step of the rebuild is tried again");
    rest(search, search.config.pause() * 2_u32.pow(*attempt)).await.ok_or(Error::Closing)?;
    *attempt += 1;
    Ok(())
}
