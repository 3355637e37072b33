//! Originals: a synthetic WAV, and the fact that one is uploaded.

use crate::stack::Stack;
use prost::Message as _;
use segue_domain::{EncodingId, EventId, ObjectName, SongId, UploadId, UserId};
use segue_ports::bus::{Bus, Message};
use segue_proto::event::v1::{Event, SongChanged, SongUploaded, event::Data};
use sha2::{Digest, Sha256};

/// Seconds of two sines, 44.1 kHz, 16 bits, stereo.
pub(crate) fn wav(seconds: u32) -> Vec<u8> {
    let samples = seconds * 44_100;
    let mut bytes = Vec::with_capacity(44 + samples as usize * 4);
    let sizes = [36 + samples * 4, samples * 4].map(u32::to_le_bytes);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&sizes[0]);
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    bytes.extend_from_slice(&44_100_u32.to_le_bytes());
    bytes.extend_from_slice(&(44_100_u32 * 4).to_le_bytes());
    bytes.extend_from_slice(b"\x04\0\x10\0data");
    bytes.extend_from_slice(&sizes[1]);
    for n in 0..samples {
        let t = f64::from(n) / 44_100.0;
        for pitch in [440.0, 554.4] {
            let sample = (t * pitch * std::f64::consts::TAU).sin() * 12_000.0;
            bytes.extend_from_slice(&(sample as i16).to_le_bytes());
        }
    }
    bytes
}

/// A song whose original is stored.
#[derive(Debug, Clone)]
pub(crate) struct Original {
    pub(crate) song: SongId,
    pub(crate) owner: UserId,
    pub(crate) encoding: EncodingId,
    pub(crate) object: ObjectName,
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Original {
    /// Stores `bytes` as the original of a new song.
    pub(crate) fn store(stack: &Stack, bytes: &[u8]) -> Self {
        let (song, owner) = (SongId::new(), UserId::new());
        let object = ObjectName::original(song, UploadId::new());
        let etag = stack.blob.upload(&object, bytes);
        stack.songs.owners.lock().unwrap().insert(song.to_string(), owner);
        let sha256 = hex::encode(Sha256::digest(bytes));
        Self { song, owner, encoding: EncodingId::new(), object, etag, size: bytes.len() as u64, sha256 }
    }

    /// The fact, as a delivery of its own.
    pub(crate) fn message(&self) -> Message {
        let song = SongChanged {
            song_id: self.song.to_string(),
            owner_id: self.owner.to_string(),
            sha256: self.sha256.clone(),
            ..Default::default()
        };
        let data = SongUploaded {
            song: Some(song),
            encoding_id: self.encoding.to_string(),
            object: self.object.to_string(),
            etag: self.etag.clone(),
            size_bytes: self.size,
            filename: "song.wav".into(),
        };
        self.fact("song.uploaded.v1", Data::SongUploaded(data))
    }

    /// The fact that it was deleted.
    pub(crate) fn deleted(&self) -> Message {
        let data = SongChanged { song_id: self.song.to_string(), ..Default::default() };
        self.fact("song.deleted.v1", Data::SongDeleted(data))
    }

    fn fact(&self, topic: &str, data: Data) -> Message {
        let event = Event {
            id: EventId::new().to_string(),
            r#type: topic.into(),
            subject: self.song.to_string(),
            sequence: 2,
            shard_key: self.song.to_string(),
            data: Some(data),
            ..Default::default()
        };
        Message {
            id: event.id.clone(),
            topic: topic.into(),
            key: self.song.to_string(),
            payload: event.encode_to_vec().into(),
            traceparent: None,
        }
    }

    /// Tells the encoder.
    pub(crate) async fn publish(&self, stack: &Stack) {
        stack.bus.publish(vec![self.message()]).await.unwrap();
    }

    pub(crate) fn media(&self, stack: &Stack) -> Vec<String> {
        stack.blob.names(&ObjectName::media_prefix(self.song))
    }
}
