//! Pages of items, behind a cache. A page is as old as the version of the playlist that was read before it; a reader asks for
//! one that is at least as new as the header they have. So nothing has to be invalidated.

use super::items;
use crate::{Error, entity::playlists, record::ItemRecord};
use async_trait::async_trait;
use bytes::Bytes;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use segue_domain::{ItemId, PlaylistId};
use segue_ports::cache::{Cache, LoadError, Record, Records, Rows, Source};
use segue_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Pages of all playlists.
#[derive(Debug, Clone)]
pub(crate) struct ItemPages {
    store: Store,
    cached: Records<ItemPage>,
}

/// Some items of a playlist in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemPage {
    place: PagePlace,
    /// Version of the playlist.
    pub version: u64,
    /// See `PlaylistRecord::respread`.
    pub respread: u64,
    /// One more than the page has, when there are more.
    pub items: Vec<ItemRecord>,
}

/// Names a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PagePlace {
    playlist: PlaylistId,
    after: Option<Vec<u8>>,
    size: u32,
}

#[derive(Debug)]
struct PageRows(Store);

impl ItemPages {
    pub(crate) fn new(store: Store, cache: &dyn Cache) -> Self {
        Self { cached: Records::new(cache, PageRows(store.clone())), store }
    }

    /// Up to `size` items after a key, and one more when there is one. `None` when the playlist is gone.
    pub(crate) async fn page(
        &self,
        playlist: PlaylistId,
        after: Option<Vec<u8>>,
        size: u32,
        at_least: u64,
    ) -> Result<Option<Arc<ItemPage>>, Error> {
        let place = PagePlace { playlist, after, size };
        self.cached.get(&place.to_string(), at_least).await.map_err(Error::Rows)
    }

    /// Keys that items have now.
    pub(crate) async fn positions(
        &self,
        playlist: PlaylistId,
        ids: &[ItemId],
    ) -> Result<Vec<(ItemId, Vec<u8>)>, StoreError> {
        let ask = || async { items::positions(&self.store.primary(&playlist.into()), playlist, ids).await };
        self.store.read(ask).await
    }
}

impl std::fmt::Display for PagePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let after = self.after.as_ref().map(hex::encode).unwrap_or_default();
        write!(f, "{}.{}.{after}", self.playlist, self.size)
    }
}

impl PagePlace {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (playlist, size) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let after = parts.next().filter(|text| !text.is_empty());
        Some(Self { playlist, size, after: after.map(hex::decode).transpose().ok()? })
    }
}

#[async_trait]
impl Rows<ItemPage> for PageRows {
    async fn rows(&self, ids: &[String], from: Source) -> Result<Vec<ItemPage>, LoadError> {
        let rows = async {
            let mut pages = Vec::with_capacity(ids.len());
            for id in ids {
                let place = PagePlace::parse(id).ok_or_else(|| StoreError::corrupt(id))?;
                pages.extend(self.0.read(|| load(&self.0, &place, from)).await?);
            }
            Ok(pages)
        };
        rows.await.map_err(|error: StoreError| Arc::new(error) as LoadError)
    }
}

async fn load(store: &Store, place: &PagePlace, from: Source) -> Result<Option<ItemPage>, StoreError> {
    let shard = place.playlist.into();
    let db = match from {
        Source::Replica => store.reader(&shard),
        Source::Primary => store.primary(&shard),
    };
    let Some((version, respread)) = version(&db, place.playlist).await? else { return Ok(None) };
    let items = items::page(&db, place.playlist, place.after.as_deref(), u64::from(place.size) + 1).await?;
    Ok(Some(ItemPage { place: place.clone(), version, respread, items }))
}

async fn version(db: &impl ConnectionTrait, playlist: PlaylistId) -> Result<Option<(u64, u64)>, StoreError> {
    use playlists::{Column, Entity, convert};
    let query = Entity::find()
        .select_only()
        .columns([Column::Version, Column::Respread])
        .filter(Column::Id.eq(playlist.uuid()))
        .filter(Column::DeletedAt.is_null());
    let row: Option<(i64, i64)> = query.into_tuple().one(db).await?;
    row.map(|(version, respread)| Ok((convert(version)?, convert(respread)?))).transpose()
}

impl Record for ItemPage {
    const KIND: &'static str = "playlist.items.1";

    fn id(&self) -> String {
        self.place.to_string()
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
