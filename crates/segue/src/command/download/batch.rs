//! Songs of one target into one folder.

use super::{Outcome, form, patience, quality, single};
use crate::{cli::KeepArgs, command::Session, output};
use futures::StreamExt;
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use segue_client::{
    ClientError, Patience, Quality,
    download::{Downloading, Entry, Folder, Form, Plan, Record},
    proto::song::v1::{Album, Song},
};
use std::{collections::HashSet, io::IsTerminal, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Files on their way at once, over all songs.
const FILES: usize = 8;
/// Songs at once, so that the end of one does not leave the line idle.
const SONGS: usize = 3;
/// Songs that are asked for at once.
const ASKED: usize = 4;

/// How songs are downloaded into a folder.
pub(crate) struct Batch<'a> {
    pub(super) session: &'a Session,
    pub(super) folder: &'a Arc<Folder>,
    pub(super) album: Option<&'a Album>,
    pub(super) patience: Patience,
    pub(super) form: Form,
    quality: Quality,
    by_sync: bool,
    slots: Semaphore,
}

/// A song with what is to be fetched, or why it cannot be.
struct Job<'a> {
    entry: &'a Entry,
    planned: anyhow::Result<(&'a Song, Plan, Record)>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(
        session: &'a Session,
        folder: &'a Arc<Folder>,
        args: &KeepArgs,
        album: Option<&'a Album>,
        by_sync: bool,
    ) -> Self {
        Self {
            session,
            folder,
            album,
            patience: patience(args),
            form: form(args),
            quality: quality(args),
            by_sync,
            slots: Semaphore::new(FILES),
        }
    }

    /// Downloads every song once and prints what became of each, in order. Fails when nothing can be asked at all.
    pub(crate) async fn run(&self, entries: &[Entry]) -> anyhow::Result<Vec<Outcome>> {
        let mut seen = HashSet::new();
        let entries: Vec<&Entry> = entries.iter().filter(|e| seen.insert(e.song_id.as_str())).collect();
        let jobs = self.plan(&entries).await?;
        let total =
            jobs.iter().filter_map(|job| job.planned.as_ref().ok()).map(|(_, plan, _)| plan.total_bytes());
        let total: u64 = total.sum();
        output::note(&format!(
            "{} song{}, {total} bytes ({})",
            jobs.len(),
            if jobs.len() == 1 { "" } else { "s" },
            HumanBytes(total)
        ));
        let bars = (!self.session.json && std::io::stderr().is_terminal()).then(MultiProgress::new);
        let bar = bar(bars.as_ref(), total);
        let progress = |bytes| bar.inc(bytes);
        let mut done = futures::stream::iter(jobs).map(|job| self.one(job, &progress)).buffered(SONGS);
        let mut outcomes = Vec::new();
        while let Some(outcome) = done.next().await {
            outcome.say(self.session, bars.as_ref());
            outcomes.push(outcome);
        }
        bar.finish_and_clear();
        Ok(outcomes)
    }

    /// Asks once for each song, then gives names in order.
    async fn plan<'e>(&self, entries: &[&'e Entry]) -> anyhow::Result<Vec<Job<'e>>> {
        let mut planned = futures::stream::iter(entries.iter().copied())
            .map(|entry| async move {
                let Some(song) = &entry.song else {
                    return (
                        entry,
                        Err(ClientError::Other("it is not available: deleted, hidden or not READY".into())),
                    );
                };
                let plan = self.session.client.plan_download(song, self.quality, self.patience).await;
                (entry, plan.map(|plan| (song, plan)))
            })
            .buffered(ASKED);
        let mut jobs = Vec::new();
        while let Some((entry, planned)) = planned.next().await {
            let planned = match planned {
                Ok((song, plan)) => {
                    let record = self.folder.place(song, &plan, self.form, self.by_sync)?;
                    Ok((song, plan, record))
                }
                // Without a session or a server none of them can be asked for.
                Err(error @ (ClientError::NotSignedIn { .. } | ClientError::Unreachable { .. })) => {
                    return Err(error.into());
                }
                Err(error) => Err(error.into()),
            };
            jobs.push(Job { entry, planned });
        }
        Ok(jobs)
    }

    async fn one(&self, job: Job<'_>, progress: &(dyn Fn(u64) + Sync)) -> Outcome {
        let mut outcome = Outcome::new(&job.entry.song_id, job.entry.song.as_ref());
        match job.planned {
            Ok((song, plan, record)) => {
                outcome.rung.clone_from(&plan.rung().name);
                let lossy = song.rungs.iter().any(|rung| rung.lossless) && !plan.rung().lossless;
                match self.keep(song, &plan, record, progress, &mut outcome).await {
                    Ok(()) if lossy && self.quality == Quality::Best && !outcome.skipped => {
                        outcome.note =
                            Some("not lossless: that would be larger than what was uploaded".into());
                    }
                    Ok(()) => {}
                    Err(error) => outcome.fail(&error),
                }
            }
            Err(error) => outcome.fail(&error),
        }
        outcome
    }

    async fn keep(
        &self,
        song: &Song,
        plan: &Plan,
        record: Record,
        progress: &(dyn Fn(u64) + Sync),
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let client = &self.session.client;
        let downloading = Downloading { client, slots: &self.slots, patience: self.patience, progress };
        match self.form {
            Form::Hls => {
                let fetched = downloading.hls(self.folder, song, plan, record).await?;
                outcome.skipped = fetched.fetched == 0;
                (outcome.path, outcome.bytes) = (Some(fetched.path), fetched.bytes);
                outcome.fetched = fetched.fetched;
                Ok(())
            }
            Form::Single => single::keep(self, &downloading, song, plan, record, outcome).await,
        }
    }
}

/// One bar for all bytes; hidden off a terminal.
fn bar(bars: Option<&MultiProgress>, total: u64) -> ProgressBar {
    let Some(bars) = bars else { return ProgressBar::hidden() };
    let bar = bars.add(ProgressBar::new(total));
    // The template is a constant that parses.
    if let Ok(style) = ProgressStyle::with_template(BYTES) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

const BYTES: &str = "{bar:40} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec} {eta}";
