//! Hands objects to the sink and remembers what the manifest must say about them.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::manifest::Object;
use crate::{Error, Sink};

pub(crate) const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
pub(crate) const MEDIA_TYPE: &str = "audio/mp4";
pub(crate) const COVER_TYPE: &str = "image/jpeg";
pub(crate) const MANIFEST_TYPE: &str = "application/json";

/// The sink, shared by the threads of all rungs.
pub(crate) struct Output<'s> {
    sink: Mutex<&'s mut dyn Sink>,
}

impl<'s> Output<'s> {
    pub(crate) fn new(sink: &'s mut dyn Sink) -> Self {
        Self { sink: Mutex::new(sink) }
    }

    /// Puts one object. Hashing is done before the lock is taken.
    pub(crate) fn put(&self, name: String, content_type: &str, bytes: Vec<u8>) -> Result<Object, Error> {
        let object = Object { bytes: bytes.len() as u64, sha256: hex::encode(Sha256::digest(&bytes)), name };
        let mut sink = self.sink.lock().map_err(|_| Error::Sink("the sink panicked".into()))?;
        sink.put(&object.name, content_type, bytes)?;
        Ok(object)
    }
}

/// What a rung's thread gives back.
pub(crate) struct MadeRung {
    pub(crate) init: Object,
    pub(crate) segments: Vec<MadeSegment>,
    /// Samples per channel a player gives back.
    pub(crate) samples: u64,
}

/// A segment with its exact duration.
pub(crate) struct MadeSegment {
    pub(crate) object: Object,
    /// In samples of the rung.
    pub(crate) duration: u64,
}

/// Name of segment `number`, counted from 1.
pub(crate) fn segment_name(rung: &str, number: u32) -> String {
    format!("{rung}/{number:05}.m4s")
}
