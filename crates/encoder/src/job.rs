//! A job: what the fact says, one attempt at it, and what is made of the outcome.

mod attempt;
mod consumer;
mod intake;
mod output;
mod progress;
mod publish;
mod settle;
mod spool;
mod stop;

pub(crate) use consumer::work;
pub(crate) use intake::take_in;

use crate::{queue, repository::Header};
use prost::Message as _;
use segue_domain::{ObjectName, SongId};
use segue_ports::bus::Message;
use segue_proto::event::v1::{Event, event::Data};

/// What an encoder must know, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) header: Header,
    /// The stored original.
    pub(crate) object: ObjectName,
    /// ETag of the bytes that count.
    pub(crate) etag: String,
    /// Declared size, bytes.
    pub(crate) size: u64,
    /// Declared SHA-256.
    pub(crate) sha256: [u8; 32],
}

impl Job {
    /// The job in a SongUploaded fact; a sentence for the dead letter when there is none.
    pub(crate) fn parse(message: &Message) -> Result<Self, String> {
        let event =
            Event::decode(message.payload.clone()).map_err(|e| format!("payload is no event: {e}"))?;
        // Another version may mean something else by the same fields.
        if event.r#type != queue::UPLOADED[0] {
            return Err(format!(
                "event {} of type {:?} is not known to this version",
                event.id, event.r#type
            ));
        }
        let Some(Data::SongUploaded(data)) = event.data else {
            return Err(format!("event {} of type {:?} carries no song_uploaded", event.id, event.r#type));
        };
        let song = data.song.unwrap_or_default();
        let id: SongId = song.song_id.parse().map_err(|e| format!("song_uploaded: {e}"))?;
        let object: ObjectName = data.object.parse().map_err(|e| format!("song_uploaded: {e}"))?;
        if !object.as_str().starts_with(&ObjectName::originals_prefix(id)) {
            return Err(format!("object {object} is no original of song {id}"));
        }
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&song.sha256, &mut sha256).map_err(|e| format!("sha256: {e}"))?;
        let header = Header {
            id: data.encoding_id.parse().map_err(|e| format!("song_uploaded: {e}"))?,
            song: id,
            owner: song.owner_id.parse().map_err(|e| format!("song_uploaded: {e}"))?,
        };
        Ok(Self { header, object, etag: data.etag, size: data.size_bytes, sha256 })
    }
}
