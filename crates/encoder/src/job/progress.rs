//! Tells how far a job is: to watchers here, and to whoever listens on the bus.

use crate::{queue, running::Running};
use prost::Message as _;
use segue_domain::EventId;
use segue_ports::bus::{Bus, Message};
use segue_proto::event::v1::EncodingProgress;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::repository::Header;

/// Shortest pause between two announcements.
const PAUSE: Duration = Duration::from_millis(200);

/// The progress of one attempt. Never goes back and never says 100: that is the row's to say.
pub(super) struct Progress {
    bus: Arc<dyn Bus>,
    running: Running,
    job: Header,
    told: Option<(Instant, u32)>,
}

impl Progress {
    pub(super) fn new(bus: Arc<dyn Bus>, running: Running, job: Header) -> Self {
        Self { bus, running, job, told: None }
    }

    /// `thousandths` of the work are done.
    pub(super) fn tell(&mut self, thousandths: u32) {
        let percent = (thousandths / 10).min(99);
        let silent = self.told.is_some_and(|(when, told)| percent <= told || when.elapsed() < PAUSE);
        if silent {
            return;
        }
        self.told = Some((Instant::now(), percent));
        self.running.progressed(self.job.id, percent);
        let payload = EncodingProgress {
            encoding_id: self.job.id.to_string(),
            song_id: self.job.song.to_string(),
            percent,
        };
        self.bus.announce(Message {
            id: EventId::new().to_string(),
            topic: queue::PROGRESS.into(),
            key: self.job.id.to_string(),
            payload: payload.encode_to_vec().into(),
            traceparent: None,
        });
    }
}
