//! What the reaper has to remove.

use crate::{
    entity::garbage::{ActiveModel, Column, Entity, Model},
    transition::Garbage,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::OnConflict,
};
use segue_domain::{SongId, Timestamp};
use segue_store::{Store, StoreError};

/// The table `garbage`.
#[derive(Debug, Clone)]
pub(crate) struct GarbageBin {
    store: Store,
}

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rubbish {
    pub song: SongId,
    pub prefix: String,
    pub second_pass: bool,
}

impl GarbageBin {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Writes down what has no change of a song beside it. Repeating it changes nothing.
    pub(crate) async fn add(&self, garbage: &Garbage, now: Timestamp) -> Result<(), StoreError> {
        let add = || async {
            insert(&self.store.primary(&garbage.song.into()), std::slice::from_ref(garbage), now).await
        };
        self.store.retry(add).await
    }

    /// What is due at `now`, longest due first; at most `most` per shard.
    pub(crate) async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<Rubbish>, StoreError> {
        self.store.read(|| self.due_now(now, most)).await
    }

    async fn due_now(&self, now: Timestamp, most: u32) -> Result<Vec<Rubbish>, StoreError> {
        let mut due = Vec::new();
        for primary in self.store.primaries() {
            let rows = Entity::find()
                .filter(Column::NotBefore.lte(now.millis()))
                .order_by_asc(Column::NotBefore)
                .limit(u64::from(most))
                .all(&primary)
                .await?;
            for Model { song_id, prefix, second_pass, .. } in rows {
                let song = SongId::from_uuid(song_id).map_err(StoreError::corrupt)?;
                due.push(Rubbish { song, prefix, second_pass });
            }
        }
        Ok(due)
    }

    /// It was emptied; look again at `at`.
    pub(crate) async fn again(&self, rubbish: &Rubbish, at: Timestamp) -> Result<(), StoreError> {
        let row = ActiveModel {
            song_id: Set(rubbish.song.uuid()),
            prefix: Set(rubbish.prefix.clone()),
            not_before: Set(at.millis()),
            second_pass: Set(true),
        };
        let write = || async {
            let db = self.store.primary(&rubbish.song.into());
            Entity::update(row.clone()).exec_without_returning(&db).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// It is gone for good.
    pub(crate) async fn forget(&self, rubbish: &Rubbish) -> Result<(), StoreError> {
        let key = (rubbish.song.uuid(), rubbish.prefix.clone());
        let delete = || async {
            Entity::delete_by_id(key.clone()).exec(&self.store.primary(&rubbish.song.into())).await?;
            Ok(())
        };
        self.store.retry(delete).await
    }
}

/// Adds rows; one that is there stays as it is.
pub(super) async fn insert(
    db: &impl ConnectionTrait,
    garbage: &[Garbage],
    now: Timestamp,
) -> Result<(), StoreError> {
    if garbage.is_empty() {
        return Ok(());
    }
    let rows = garbage.iter().map(|g| ActiveModel {
        song_id: Set(g.song.uuid()),
        prefix: Set(g.prefix.clone()),
        not_before: Set(now.plus(g.delay).millis()),
        second_pass: Set(false),
    });
    let known = OnConflict::columns([Column::SongId, Column::Prefix]).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(known).exec_without_returning(db).await?;
    Ok(())
}
