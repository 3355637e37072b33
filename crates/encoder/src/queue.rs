//! The queues and topics of the encoder.

use crate::EncoderConfig;
use segue_ports::bus::WorkQueue;
use std::time::Duration;

pub(crate) const JOBS: &str = "encoder.jobs";
const INTAKE: &str = "encoder.intake";

/// The fact that is a job.
pub(crate) const UPLOADED: &[&str] = &["song.uploaded.v1"];

/// Broadcast: how far a job is. Payload: `EncodingProgress`.
pub(crate) const PROGRESS: &str = "encoding.progress.v1";
/// Broadcast between encoders: stop the job that the key names. No payload.
pub(crate) const CANCEL: &str = "encoding.cancel.v1";
/// What every encoder process listens to.
pub(crate) const HEARD: &[&str] = &["encoding.*.v1", "song.deleted.v1"];
pub(crate) const SONG_DELETED: &str = "song.deleted.v1";

/// Jobs, one at a time per worker.
pub(crate) fn jobs(config: &EncoderConfig) -> WorkQueue {
    WorkQueue {
        name: JOBS,
        topics: UPLOADED,
        prefetch: 1,
        max_failures: config.max_failures,
        backoff: Duration::from_millis(config.backoff_ms),
    }
}

/// The same facts once more, for the rows of jobs that wait: so a job can be seen and cancelled before a
/// worker has time for it.
pub(crate) fn intake() -> WorkQueue {
    WorkQueue {
        name: INTAKE,
        topics: UPLOADED,
        prefetch: 16,
        max_failures: 3,
        backoff: Duration::from_secs(1),
    }
}
