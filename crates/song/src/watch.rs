//! WatchSong: the song now, and again after each change.

mod hub;

pub(crate) use hub::{Hub, TOPICS, read};

use crate::{Error, access, field::id, record::SongRecord, role::Role, service::Call};
use futures::{Stream, stream};
use hub::{Signal, Watcher};
use segue_domain::{EncodingId, SongState};
use segue_mesh::status;
use segue_proto::song::v1::WatchSongResponse;
use std::{pin::Pin, sync::Arc, time::Duration};
use tonic::Status;

/// What WatchSong answers with. Dropping it is all it takes to stop watching.
pub(crate) type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchSongResponse, Status>> + Send>>;

/// One open stream. It holds one row and one signal, however much happens.
struct Watch {
    role: Arc<Role>,
    call: Call,
    watcher: Watcher,
    song: SongRecord,
    progress: Progress,
    /// Gaps after which the row was read.
    gaps: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent.
    First,
    /// Sent, and more may come.
    Open,
    /// The next poll ends the stream.
    Over,
}

/// Progress of the newest job; never goes back while the job is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    encoding: Option<EncodingId>,
    percent: u32,
}

impl Progress {
    fn update(&mut self, song: &SongRecord, signal: Signal) {
        if self.encoding != song.encoding {
            *self = Self { encoding: song.encoding, percent: 0 };
        }
        if let Some((encoding, percent)) = signal.also
            && Some(encoding) == self.encoding
        {
            // 100 is said by READY alone.
            self.percent = self.percent.max(percent.min(99));
        }
        if song.state == SongState::Ready {
            self.percent = 100;
        }
    }
}

impl Role {
    pub(crate) async fn watch(self: Arc<Self>, call: Call, song_id: &str) -> Result<WatchStream, Error> {
        let song_id = id("song_id", song_id)?;
        // Listening begins before the row is read, so that nothing falls between.
        let mut watcher = self.hub.watch(song_id)?;
        let gaps = watcher.seen().gaps;
        let song = self.songs.find(song_id, call.seen.at_least(song_id)).await?;
        let song = access::visible(&call.caller, song_id, song)?;
        let watch = Watch {
            role: self,
            call,
            watcher,
            song,
            progress: Progress::default(),
            gaps,
            stage: Stage::First,
        };
        Ok(Box::pin(stream::unfold(watch, |mut watch| async move {
            let item = watch.next().await?;
            Some((item.map_err(status), watch))
        })))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<WatchSongResponse, Error>> {
        let item = match self.stage {
            Stage::Over => return None,
            Stage::First => {
                let signal = self.watcher.seen();
                self.progress.update(&self.song, signal);
                Ok(())
            }
            Stage::Open => self.changed().await,
        };
        let ended = item.is_err() || matches!(self.song.state, SongState::Ready | SongState::Failed);
        self.stage = if ended { Stage::Over } else { Stage::Open };
        Some(item.map(|()| WatchSongResponse {
            song: Some(self.role.answer(self.song.clone(), &self.call.caller, &self.call.origin)),
            percent: self.progress.percent,
        }))
    }

    /// Waits until there is something new to say.
    async fn changed(&mut self) -> Result<(), Error> {
        let poll = Duration::from_secs(self.role.config.watch_poll_seconds);
        let mut silent = false;
        loop {
            let signal = self.watcher.seen();
            let before = (self.song.version, self.progress);
            if silent || signal.gaps != self.gaps || signal.version > self.song.version {
                self.gaps = signal.gaps;
                let id = self.song.id;
                let song = self.role.songs.find(id, signal.version.max(self.song.version)).await?;
                self.song = access::visible(&self.call.caller, id, song)?;
            }
            self.progress.update(&self.song, signal);
            if before != (self.song.version, self.progress) {
                return Ok(());
            }
            // Without a word for a while, the row is looked at anyway: the bus may be gone.
            silent = match tokio::time::timeout(poll, self.watcher.changed()).await {
                Ok(heard) => heard.map(|()| false)?,
                Err(_) => true,
            };
        }
    }
}
