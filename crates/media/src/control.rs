//! The two hooks a caller hands in: one to watch and stop the work, one to take its results.

use crate::Error;

/// Watches and stops a running call. Called from the decoding thread, about every fifth of a second of music.
pub trait Control: Sync {
    /// `done` of `total` units of this call are behind us: bytes of the file in [`analyse`](crate::analyse),
    /// samples in [`encode`](crate::encode). Never decreases within a call.
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Whether to stop. The call then ends with [`Error::Cancelled`] soon after; objects already handed to the
    /// sink stay there.
    fn cancelled(&self) -> bool {
        false
    }
}

/// A [`Control`] that watches nothing and never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Control for Unattended {}

/// Takes finished objects. Called by one thread at a time, though not always by the same one.
///
/// Order: covers, init files and segments (rungs interleaved, each rung's in order), then every
/// `<rung>/index.m3u8`, then `master.m3u8`, last `manifest.json`. An output without manifest is not complete.
pub trait Sink: Send {
    /// Stores one object. `name` is relative to the output folder and uses `/`. Blocking here slows the
    /// encoding down instead of filling memory; an error ends it.
    fn put(&mut self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error>;
}
