//! The one way in which a playlist changes: read, decided and written in one transaction, as a compare-and-set on its version, with
//! its fact.

use super::{items::Items, people, playlists::PlaylistTable};
use crate::{
    Error,
    entity::playlists::{ActiveModel, Column, Entity, Model},
    fact::Fact,
    record::{ItemRecord, PlaylistRecord},
};
use async_trait::async_trait;
use sea_orm::{ActiveValue::NotSet, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use segue_domain::{PlaylistId, Timestamp, UserId};
use segue_store::{Outbox, StoreError, Transaction};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard};

/// Times that a change is tried against others before the caller is told to come back.
const ATTEMPTS: u32 = 20;
/// Locks that playlists share.
const TURNS: usize = 64;

/// Something that becomes of a playlist.
#[async_trait]
pub(crate) trait Change: Send {
    /// What comes of it beside the playlist.
    type Answer: Send;

    /// Decides, and changes `draft` and what belongs to the playlist within its transaction. It may be asked again, of a
    /// newer playlist; an error undoes everything. It sees tombstones.
    async fn make(&mut self, draft: &mut Draft<'_>) -> Result<Self::Answer, Error>;
}

/// A playlist that is being changed.
pub(crate) struct Draft<'a> {
    /// As it is.
    pub before: PlaylistRecord,
    /// As it becomes. Version and time are set when it is written.
    pub next: PlaylistRecord,
    /// Within the transaction.
    pub db: &'a DatabaseTransaction,
    pub now: Timestamp,
    /// What of it is written.
    pub outcome: Outcome,
    /// Somebody whom the playlist concerns no longer.
    pub left: Option<UserId>,
}

/// What of a change is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing.
    Keep,
    /// What was done in the transaction, of which readers of the playlist see nothing.
    Aside,
    /// All of it, and the world hears of it.
    Tell(Fact),
}

/// Editors of one process take turns at a playlist, so that a busy one holds one connection and not all.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Vec<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new((0..TURNS).map(|_| Mutex::default()).collect()))
    }
}

impl Turns {
    async fn of(&self, id: PlaylistId) -> MutexGuard<'_, ()> {
        // The end of a UUIDv7 is random.
        self.0[usize::from(id.bytes()[15]) % TURNS].lock().await
    }
}

impl Draft<'_> {
    /// Its items.
    pub(crate) fn items(&self) -> Items<'_> {
        Items::of(self.db, self.before.id)
    }

    /// An etag that is given must be that of the playlist as it is.
    pub(crate) fn check_etag(&self, etag: &str) -> Result<(), Error> {
        if etag.is_empty() || etag == self.before.etag() { Ok(()) } else { Err(Error::StaleEtag) }
    }

    /// The items have become more and fewer; what the header says of them follows.
    pub(crate) async fn count(&mut self, came: &[ItemRecord], went: &[ItemRecord]) -> Result<(), Error> {
        let length = |items: &[ItemRecord]| items.iter().map(|item| item.duration_ms).sum::<u64>();
        let number = |items: &[ItemRecord]| u32::try_from(items.len()).unwrap_or(u32::MAX);
        let next = &mut self.next;
        next.item_count = next.item_count.saturating_add(number(came)).saturating_sub(number(went));
        next.duration_ms = next.duration_ms.saturating_add(length(came)).saturating_sub(length(went));
        self.next.lead = self.items().lead().await?;
        Ok(())
    }
}

impl PlaylistTable {
    /// A new playlist with its items. [`StoreError::Duplicate`] when the id is taken.
    pub(crate) async fn insert(&self, playlist: &PlaylistRecord, items: &[ItemRecord]) -> Result<(), Error> {
        let mut tries = self.store.tries();
        while let Err(error) = self.insert_once(playlist, items).await {
            match error {
                Error::Store(error) if tries.again(&error).await => {}
                error => return Err(error),
            }
        }
        self.written(playlist, Fact::Created).await;
        Ok(())
    }

    async fn insert_once(&self, playlist: &PlaylistRecord, items: &[ItemRecord]) -> Result<(), Error> {
        let mut tx = self.store.begin(playlist.id.into()).await?;
        let row = ActiveModel::try_from(playlist)?;
        Entity::insert(row).exec_without_returning(tx.connection()).await.map_err(StoreError::from)?;
        Items::of(tx.connection(), playlist.id).write(items).await?;
        tx.emit(Outbox::Main, Fact::Created.event(playlist, &playlist.people, None)).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a playlist, and answers with it as it is then.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there never was such a playlist; [`Error::Contended`] when others were always faster.
    pub(crate) async fn change<C: Change>(
        &self,
        id: PlaylistId,
        change: &mut C,
    ) -> Result<(PlaylistRecord, C::Answer), Error> {
        let _turn = self.turns.of(id).await;
        let mut tries = self.store.tries();
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            match self.change_once(id, change).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => attempt += 1,
                // Nothing was changed: a commit whose answer was lost is no such error.
                Err(Error::Store(error)) if tries.again(&error).await => {}
                Err(error) => return Err(error),
            }
            let pause = Duration::from_millis(u64::from(rand::random_range(0..=attempt * 2)));
            tokio::time::sleep(pause).await;
        }
        Err(Error::Contended)
    }

    /// `None` when somebody else changed the playlist in between.
    async fn change_once<C: Change>(
        &self,
        id: PlaylistId,
        change: &mut C,
    ) -> Result<Option<(PlaylistRecord, C::Answer)>, Error> {
        let mut tx = self.store.begin(id.into()).await?;
        let before = locked(tx.connection(), id).await?.ok_or(Error::NotFound(id))?;
        let mut draft = Draft {
            next: before.clone(),
            before,
            db: tx.connection(),
            now: self.clock.now(),
            outcome: Outcome::Keep,
            left: None,
        };
        let made = change.make(&mut draft).await;
        let Draft { before, mut next, now, outcome, left, .. } = draft;
        let (answer, fact) = match (made, outcome) {
            (Ok(answer), Outcome::Tell(fact)) => (answer, fact),
            (Ok(answer), Outcome::Aside) => {
                tx.commit().await?;
                return Ok(Some((before, answer)));
            }
            (made, _) => {
                tx.rollback().await?;
                return made.map(|answer| Some((before, answer)));
            }
        };
        next.version = before.version + 1;
        next.updated = now;
        if !write(&mut tx, &before, &next).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        let people = if fact == Fact::Deleted { &before.people } else { &next.people };
        tx.emit(Outbox::Main, fact.event(&next, people, left)).await?;
        tx.commit().await?;
        self.written(&next, fact).await;
        Ok(Some((next, answer)))
    }

    async fn written(&self, playlist: &PlaylistRecord, fact: Fact) {
        (self.crash)("playlist-written");
        metrics::counter!("segue_playlist_changes_total", "type" => fact.topic()).increment(1);
        self.heard(playlist.id, playlist.version).await;
    }
}

/// The playlist, which nobody else changes until the end of the transaction: on PostgreSQL its row is locked, on SQLite
/// there is one writer.
async fn locked(db: &DatabaseTransaction, id: PlaylistId) -> Result<Option<PlaylistRecord>, StoreError> {
    let row: Option<Model> = Entity::find().filter(Column::Id.eq(id.uuid())).lock_exclusive().one(db).await?;
    let Some(row) = row else { return Ok(None) };
    let people = people::of(db, &[id]).await?.remove(&row.id).unwrap_or_default();
    row.with(people).map(Some)
}

/// False when the version is another than it was.
async fn write(
    tx: &mut Transaction,
    before: &PlaylistRecord,
    next: &PlaylistRecord,
) -> Result<bool, StoreError> {
    // The shard key of a row is never written again.
    let row = ActiveModel { id: NotSet, ..ActiveModel::try_from(next)? };
    let version = i64::try_from(before.version).map_err(StoreError::corrupt)?;
    let written = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(before.id.uuid()))
        .filter(Column::Version.eq(version))
        .exec(tx.connection())
        .await?;
    if written.rows_affected == 0 {
        return Ok(false);
    }
    if before.people != next.people {
        people::replace(tx.connection(), before, next).await?;
    }
    Ok(true)
}
