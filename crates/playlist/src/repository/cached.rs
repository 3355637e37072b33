//! Playlists as the cache holds them. Tombstones too: that a playlist is gone is as well worth knowing. Who may see one, and
//! what is signed for whom, is decided on each answer.

use super::playlists::load;
use crate::record::PlaylistRecord;
use async_trait::async_trait;
use bytes::Bytes;
use segue_domain::{IdError, PlaylistId};
use segue_ports::cache::{LoadError, Record, Rows, Source};
use segue_store::{Store, StoreError};
use std::sync::Arc;

/// Reads rows for the cache.
#[derive(Debug)]
pub(super) struct PlaylistRows(pub(super) Store);

#[async_trait]
impl Rows<PlaylistRecord> for PlaylistRows {
    async fn rows(&self, ids: &[String], from: Source) -> Result<Vec<PlaylistRecord>, LoadError> {
        let rows = async {
            let ids = ids.iter().map(|id| id.parse()).collect::<Result<Vec<PlaylistId>, IdError>>();
            let ids = ids.map_err(StoreError::corrupt)?;
            self.0.read(|| load(&self.0, &ids, from)).await
        };
        rows.await.map_err(|error: StoreError| Arc::new(error) as LoadError)
    }
}

impl Record for PlaylistRecord {
    // Another form of the record is another kind: processes of two versions share no rows.
    const KIND: &'static str = "playlist.1";

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
