//! Headers of albums and artists as the cache holds them; also of those that are gone. What a caller sees of one is decided on
//! each answer.

use super::shelves::{headers, one};
use crate::shelf::{Kind, Shelf, ShelfRecord};
use async_trait::async_trait;
use bytes::Bytes;
use prost::Message as _;
use segue_domain::{EventId, IdError};
use segue_ports::{
    bus::Message,
    cache::{Follow, LoadError, Record, Records, Rows, Source},
};
use segue_proto::event::v1::{Event, event::Data};
use segue_store::{Store, StoreError};
use std::sync::Arc;

/// Tell of every change of an album or artist.
const TOPICS: [&str; 2] = ["album.#", "artist.#"];

/// Reads headers for the cache.
#[derive(Debug)]
pub(super) struct ShelfRows(pub(super) Store);

#[async_trait]
impl Rows<ShelfRecord> for ShelfRows {
    async fn rows(&self, ids: &[String], from: Source) -> Result<Vec<ShelfRecord>, LoadError> {
        let rows = async {
            let shelves = ids.iter().map(|id| id.parse()).collect::<Result<Vec<Shelf>, IdError>>();
            let shelves = shelves.map_err(StoreError::corrupt)?;
            let mut found = match (&shelves[..], from) {
                ([shelf], Source::Primary) => {
                    Vec::from_iter(self.0.read(|| one(self.0.primary(&(*shelf).into()), *shelf)).await?)
                }
                (shelves, from) => self.of_each_kind(shelves, from).await?,
            };
            // Nobody has seen it yet, so it has no version to be cached by.
            found.retain(|header| header.version > 0);
            Ok(found)
        };
        rows.await.map_err(|error: StoreError| Arc::new(error) as LoadError)
    }
}

impl ShelfRows {
    async fn of_each_kind(&self, shelves: &[Shelf], from: Source) -> Result<Vec<ShelfRecord>, StoreError> {
        let mut found = Vec::new();
        for kind in [Kind::Album, Kind::Artist] {
            let of_kind: Vec<Shelf> = shelves.iter().filter(|shelf| shelf.kind() == kind).copied().collect();
            found.extend(headers(&self.0, &of_kind, from).await?);
        }
        Ok(found)
    }
}

impl Record for ShelfRecord {
    // Another form of the record is another kind: processes of two versions share no rows.
    const KIND: &'static str = "shelf.1";

    fn id(&self) -> String {
        self.shelf.to_string()
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

/// Keeps the cached headers true to what is said on the bus.
pub(super) fn follow(records: &Records<ShelfRecord>) -> Follow {
    Follow {
        region: records.region().clone(),
        topics: TOPICS.map(str::to_owned).to_vec(),
        heed,
        process: EventId::new().to_string(),
    }
}

fn heed(message: &Message) -> Option<(String, u64)> {
    let event = Event::decode(message.payload.clone()).ok()?;
    let shelf = match event.data? {
        Data::AlbumUpdated(album) | Data::AlbumDeleted(album) => Shelf::Album(album.album_id.parse().ok()?),
        Data::ArtistUpdated(artist) | Data::ArtistDeleted(artist) => {
            Shelf::Artist(artist.artist_id.parse().ok()?)
        }
        _ => return None,
    };
    Some((shelf.to_string(), event.sequence))
}
