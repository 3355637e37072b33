//! What watchers of songs are told.

use crate::fact::header_of;
use prost::Message as _;
use segue_domain::{EncodingId, SongId};
use segue_ports::bus::{self, Message, News};
use segue_proto::event::v1::{EncodingProgress, Event};

/// Progress of a job.
pub(super) type Progress = Option<(EncodingId, u32)>;
pub(super) type Signal = bus::Signal<Progress>;
pub(super) type Watcher = bus::Watcher<SongId, Progress>;
pub(crate) type Hub = bus::Hub<SongId, Progress>;

pub(crate) const TOPICS: [&str; 2] = ["song.#", PROGRESS];
/// Lossy, and an `EncodingProgress` instead of an `Event`.
const PROGRESS: &str = "encoding.progress.v1";

pub(crate) fn read(message: &Message) -> Option<(SongId, News<Progress>)> {
    if message.topic == PROGRESS {
        let progress = EncodingProgress::decode(message.payload.clone()).ok()?;
        let encoding = progress.encoding_id.parse().ok()?;
        return Some((progress.song_id.parse().ok()?, News::Also(Some((encoding, progress.percent)))));
    }
    let event = Event::decode(message.payload.clone()).ok()?;
    Some((header_of(&event)?.song_id.parse().ok()?, News::Version(event.sequence)))
}
