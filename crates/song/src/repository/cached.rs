//! Rows of songs as the cache holds them. Tombstones too: that a song is gone is as well worth knowing. Who may see a row, and
//! what is signed for whom, is decided on each answer.

use super::songs::{load, one};
use crate::{fact::header_of, record::SongRecord};
use async_trait::async_trait;
use bytes::Bytes;
use prost::Message as _;
use segue_domain::{EventId, IdError, SongId};
use segue_ports::{
    bus::Message,
    cache::{Follow, LoadError, Record, Records, Rows, Source},
};
use segue_proto::event::v1::Event;
use segue_store::{Store, StoreError};
use std::sync::Arc;

/// Tell of every change of a song.
const TOPICS: &str = "song.#";

/// Reads rows for the cache.
#[derive(Debug)]
pub(super) struct SongRows(pub(super) Store);

#[async_trait]
impl Rows<SongRecord> for SongRows {
    async fn rows(&self, ids: &[String], from: Source) -> Result<Vec<SongRecord>, LoadError> {
        let rows = async {
            let ids = ids.iter().map(|id| id.parse()).collect::<Result<Vec<SongId>, IdError>>();
            let ids = ids.map_err(StoreError::corrupt)?;
            match (&ids[..], from) {
                ([id], Source::Primary) => {
                    let found = self.0.read(|| one(self.0.primary(&(*id).into()), *id)).await?;
                    Ok(Vec::from_iter(found))
                }
                (ids, from) => load(&self.0, ids, from).await,
            }
        };
        rows.await.map_err(|error: StoreError| Arc::new(error) as LoadError)
    }
}

impl Record for SongRecord {
    // Another form of the record is another kind: processes of two versions share no rows.
    const KIND: &'static str = "song.2";

    fn id(&self) -> String {
        self.id.to_string()
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn encode(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Keeps the cached rows true to what is said on the bus.
pub(super) fn follow(records: &Records<SongRecord>) -> Follow {
    Follow {
        region: records.region().clone(),
        topics: vec![TOPICS.to_owned()],
        heed,
        process: EventId::new().to_string(),
    }
}

fn heed(message: &Message) -> Option<(String, u64)> {
    let event = Event::decode(message.payload.clone()).ok()?;
    let song = header_of(&event)?;
    Some((song.song_id.clone(), event.sequence))
}
