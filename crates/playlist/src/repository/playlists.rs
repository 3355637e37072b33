//! Playlists by id, behind a cache, and what is asked of every shard.

use super::{cached::PlaylistRows, people};
use crate::{
    Error,
    consume::parse,
    entity::playlists::{Column, Entity, Model},
    fact::header_of,
    record::PlaylistRecord,
};
use prost::Message as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait,
    Statement, Value, prelude::Uuid,
};
use segue_domain::{Clock, EventId, PlaylistId, Timestamp, UserId};
use segue_ports::{
    bus::Message,
    cache::{Cache, Follow, Records, Source},
};
use segue_proto::event::v1::Event;
use segue_store::{Store, StoreError};
use std::{collections::HashMap, sync::Arc};

/// Tell of every change of a playlist.
const TOPICS: &str = "playlist.#";

/// The table `playlists` and those of the same aggregate.
#[derive(Debug, Clone)]
pub(crate) struct PlaylistTable {
    pub(super) store: Store,
    pub(super) cached: Records<PlaylistRecord>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) turns: super::change::Turns,
    pub(super) crash: fn(&'static str),
}

impl PlaylistTable {
    pub(crate) fn new(
        store: Store,
        cache: &dyn Cache,
        clock: Arc<dyn Clock>,
        crash: fn(&'static str),
    ) -> Self {
        let cached = Records::new(cache, PlaylistRows(store.clone()));
        Self { store, cached, clock, turns: super::change::Turns::default(), crash }
    }

    /// What keeps the cache true to changes by other processes, while it runs.
    pub(crate) fn follow(&self) -> Follow {
        Follow {
            region: self.cached.region().clone(),
            topics: vec![TOPICS.to_owned()],
            heed,
            process: EventId::new().to_string(),
        }
    }

    /// The playlist now has this version.
    pub(crate) async fn heard(&self, id: PlaylistId, version: u64) {
        self.cached.invalidate(&id.to_string(), version).await;
    }

    /// The row, which may be a moment old; tombstones too. One older than `at_least` is looked for on the primary.
    pub(crate) async fn find(
        &self,
        id: PlaylistId,
        at_least: u64,
    ) -> Result<Option<Arc<PlaylistRecord>>, Error> {
        self.cached.get(&id.to_string(), at_least).await.map_err(Error::Rows)
    }

    /// Those of the playlists that are there, which may be a moment old; tombstones too.
    pub(crate) async fn find_many(
        &self,
        ids: impl IntoIterator<Item = PlaylistId>,
    ) -> Result<HashMap<PlaylistId, Arc<PlaylistRecord>>, Error> {
        let names: Vec<String> = ids.into_iter().map(String::from).collect();
        let found = self.cached.get_many(&names).await.map_err(Error::Rows)?;
        Ok(found.into_values().map(|playlist| (playlist.id, playlist)).collect())
    }

    /// The row as it was last committed; tombstones too.
    pub(crate) async fn latest(&self, id: PlaylistId) -> Result<Option<PlaylistRecord>, StoreError> {
        let ids = [id];
        let found = self.store.read(|| load(&self.store, &ids, Source::Primary)).await?;
        Ok(found.into_iter().next())
    }

    /// How many playlists an account owns.
    pub(crate) async fn owned(&self, owner: UserId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS n FROM playlists WHERE owner_id = $1 AND deleted_at IS NULL";
        let numbers =
            self.everywhere(sql, [owner.uuid().into()], |row| Ok(row.try_get::<i64>("", "n")?)).await?;
        Ok(numbers.into_iter().sum::<i64>().unsigned_abs())
    }

    /// Some playlists of an account; at most `most` per shard.
    pub(crate) async fn of_owner(&self, owner: UserId, most: u32) -> Result<Vec<PlaylistId>, StoreError> {
        let sql = "SELECT id FROM playlists WHERE owner_id = $1 AND deleted_at IS NULL LIMIT $2";
        self.everywhere(sql, [owner.uuid().into(), i64::from(most).into()], id).await
    }

    /// Some playlists that an account may see or edit; at most `most` per shard.
    pub(crate) async fn shared_with(&self, user: UserId, most: u32) -> Result<Vec<PlaylistId>, StoreError> {
        let sql = "SELECT playlist_id AS id FROM playlist_collaborators WHERE user_id = $1 LIMIT $2";
        self.everywhere(sql, [user.uuid().into(), i64::from(most).into()], id).await
    }

    /// Playlists with requests that were answered before `moment`; at most `most` per shard.
    pub(crate) async fn remembering(
        &self,
        moment: Timestamp,
        most: u32,
    ) -> Result<Vec<PlaylistId>, StoreError> {
        let sql = "SELECT DISTINCT playlist_id AS id FROM playlist_requests WHERE created_at < $1 LIMIT $2";
        self.everywhere(sql, [moment.millis().into(), i64::from(most).into()], id).await
    }

    /// Asks every shard. Only for what spans playlists: quotas, accounts that go, sweeps.
    async fn everywhere<T, const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
        read: impl Fn(&QueryResult) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let ask = || async {
            let mut all = Vec::new();
            for primary in self.store.primaries() {
                let statement = Statement::from_sql_and_values(self.store.backend(), sql, values.clone());
                for row in primary.query_all_raw(statement).await? {
                    all.push(read(&row)?);
                }
            }
            Ok(all)
        };
        self.store.read(ask).await
    }

    /// Playlists after `after` by id, at most `size`, without tombstones. From the primaries: whoever compares a copy with this
    /// must not see less than the facts that the copy has already heard.
    pub(crate) async fn scan(
        &self,
        after: Option<PlaylistId>,
        size: u32,
    ) -> Result<Vec<PlaylistRecord>, StoreError> {
        let mut rows = Vec::new();
        for primary in self.store.primaries() {
            let query = Entity::find()
                .filter(Column::DeletedAt.is_null())
                .apply_if(after, |query, after| query.filter(Column::Id.gt(after.uuid())));
            rows.extend(query.order_by_asc(Column::Id).limit(u64::from(size)).all(&primary).await?);
        }
        // Each shard gave its first ones; the first of all are among them. Both engines order ids by their bytes.
        rows.sort_unstable_by_key(|row: &Model| row.id);
        rows.truncate(size as usize);
        let ids = rows.iter().map(|row| PlaylistId::from_uuid(row.id).map_err(StoreError::corrupt));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let mut people = HashMap::new();
        for ids in self.store.together(&ids) {
            people.extend(people::of(&self.store.primary(&ids[0].into()), &ids).await?);
        }
        rows.into_iter()
            .map(|row| {
                let people = people.remove(&row.id).unwrap_or_default();
                row.with(people)
            })
            .collect()
    }
}

/// Playlists, with two queries per database, whatever the topology. The people come second: what is cached under a version
/// is at least as new as that.
pub(super) async fn load(
    store: &Store,
    ids: &[PlaylistId],
    from: Source,
) -> Result<Vec<PlaylistRecord>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in store.together(ids) {
        let shard = ids[0].into();
        let db = match from {
            Source::Replica => store.reader(&shard),
            Source::Primary => store.primary(&shard),
        };
        let query = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())));
        let rows: Vec<Model> = query.all(&db).await?;
        if rows.is_empty() {
            continue;
        }
        let mut people = people::of(&db, &ids).await?;
        for row in rows {
            let people = people.remove(&row.id).unwrap_or_default();
            found.push(row.with(people)?);
        }
    }
    Ok(found)
}

fn id(row: &QueryResult) -> Result<PlaylistId, StoreError> {
    PlaylistId::from_uuid(row.try_get::<Uuid>("", "id")?).map_err(StoreError::corrupt)
}

fn heed(message: &Message) -> Option<(String, u64)> {
    let event = Event::decode(message.payload.clone()).ok()?;
    let playlist: PlaylistId = parse(&header_of(&event)?.playlist_id).ok()?;
    Some((playlist.to_string(), event.sequence))
}
