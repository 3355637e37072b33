//! The `encodings` table. Every call takes the song, which is the shard key; what ends an encoding is a
//! compare-and-set, so that it ends once.

use crate::{
    encoding::{Encoding, Failure, State},
    entity::{ActiveModel, Column, Entity, Model},
    event::{self, next_version},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use segue_domain::{EncodingId, OutputId, SongId, Timestamp, UserId};
use segue_proto::event::v1::{EncodingSucceeded, Event};
use segue_store::{Outbox, ShardKey, Store, StoreError, Transaction};

/// What names a job's row and who owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: EncodingId,
    pub(crate) song: SongId,
    pub(crate) owner: UserId,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was made; this is the row now.
    Made(Encoding),
    /// The encoding had ended before, like this.
    Ended(Encoding),
}

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    store: Store,
}

impl Repository {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes the row, QUEUED, unless there is one.
    pub(crate) async fn queue(&self, job: Header, now: Timestamp) -> Result<(), StoreError> {
        self.store.retry(|| async { insert(&self.store.primary(&job.song.into()), job, now).await }).await
    }

    /// Counts an attempt, and makes the encoding RUNNING (with an event) if it was QUEUED or not there.
    pub(crate) async fn begin(&self, job: Header, now: Timestamp) -> Result<Change, StoreError> {
        let mut tries = self.store.tries();
        loop {
            match self.begin_once(job, now).await {
                Err(error) if tries.again(&error).await => {}
                done => return done,
            }
        }
    }

    async fn begin_once(&self, job: Header, now: Timestamp) -> Result<Change, StoreError> {
        let mut tx = self.store.begin(job.song.into()).await?;
        insert(tx.connection(), job, now).await?;
        let row =
            lock(&tx, job.song, job.id).await?.ok_or_else(|| StoreError::corrupt("encoding vanished"))?;
        let before = Encoding::try_from(row.clone())?;
        if before.state.ended() {
            tx.rollback().await?;
            return Ok(Change::Ended(before));
        }
        let (attempts, version) = (row.attempts, row.version);
        let mut change = row.into_active_model();
        change.attempts = Set(attempts.saturating_add(1));
        change.updated_at = Set(now.millis());
        if before.state == State::Queued {
            change.state = Set(State::Running.as_str().into());
            change.version = Set(next_version(version)?);
        }
        let after = Encoding::try_from(change.update(tx.connection()).await?)?;
        if before.state == State::Queued {
            tx.emit(Outbox::Main, event::started(&after, now)).await?;
        }
        tx.commit().await?;
        Ok(Change::Made(after))
    }

    /// RUNNING becomes SUCCEEDED with this output, and the fact is told, unless the encoding has ended.
    pub(crate) async fn succeed(
        &self,
        job: Header,
        output: OutputId,
        summary: EncodingSucceeded,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let change = |row: &mut ActiveModel| {
            row.state = Set(State::Succeeded.as_str().into());
            row.output_id = Set(Some(output.to_string()));
        };
        self.end(job.song, job.id, now, change, |encoding| event::succeeded(encoding, summary.clone(), now))
            .await
    }

    /// QUEUED or RUNNING becomes FAILED, and the fact is told, unless the encoding has ended. The row must be there.
    pub(crate) async fn fail(
        &self,
        song: SongId,
        id: EncodingId,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let change = |row: &mut ActiveModel| {
            row.state = Set(State::Failed.as_str().into());
            row.failure_reason = Set(Some(failure.reason.to_string()));
            row.failure_message = Set(Some(failure.message.clone()));
        };
        self.end(song, id, now, change, |encoding| event::failed(encoding, failure, now)).await
    }

    async fn end(
        &self,
        song: SongId,
        id: EncodingId,
        now: Timestamp,
        change: impl Fn(&mut ActiveModel),
        fact: impl Fn(&Encoding) -> Event,
    ) -> Result<Change, StoreError> {
        let mut tries = self.store.tries();
        loop {
            match self.end_once(song, id, now, &change, &fact).await {
                Err(error) if tries.again(&error).await => {}
                done => return done,
            }
        }
    }

    async fn end_once(
        &self,
        song: SongId,
        id: EncodingId,
        now: Timestamp,
        change: impl Fn(&mut ActiveModel),
        fact: impl Fn(&Encoding) -> Event,
    ) -> Result<Change, StoreError> {
        let mut tx = self.store.begin(song.into()).await?;
        let row = lock(&tx, song, id).await?.ok_or_else(|| StoreError::corrupt("encoding vanished"))?;
        let before = Encoding::try_from(row.clone())?;
        if before.state.ended() {
            tx.rollback().await?;
            return Ok(Change::Ended(before));
        }
        let version = next_version(row.version)?;
        let mut row = row.into_active_model();
        row.version = Set(version);
        row.updated_at = Set(now.millis());
        change(&mut row);
        let after = Encoding::try_from(row.update(tx.connection()).await?)?;
        tx.emit(Outbox::Main, fact(&after)).await?;
        tx.commit().await?;
        Ok(Change::Made(after))
    }

    /// The encoding as the primary has it.
    pub(crate) async fn get(&self, song: SongId, id: EncodingId) -> Result<Option<Encoding>, StoreError> {
        let shard = ShardKey::from(song);
        let read = || async { Ok(find(song, id).one(&self.store.primary(&shard)).await?) };
        let row: Option<Model> = self.store.read(read).await?;
        row.map(Encoding::try_from).transpose()
    }

    /// Encodings of a song, newest first, older than `before`.
    pub(crate) async fn list(
        &self,
        song: SongId,
        before: Option<EncodingId>,
        most: u32,
    ) -> Result<Vec<Encoding>, StoreError> {
        let shard = ShardKey::from(song);
        let mut rows = Entity::find().filter(Column::SongId.eq(song.to_string()));
        if let Some(before) = before {
            rows = rows.filter(Column::EncodingId.lt(before.to_string()));
        }
        let rows = rows.order_by_desc(Column::EncodingId).limit(u64::from(most));
        let read = || async { Ok(rows.clone().all(&self.store.reader(&shard)).await?) };
        let rows: Vec<Model> = self.store.read(read).await?;
        rows.into_iter().map(Encoding::try_from).collect()
    }
}

fn find(song: SongId, id: EncodingId) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::SongId.eq(song.to_string())).filter(Column::EncodingId.eq(id.to_string()))
}

/// Reads the row for a change; no other transaction changes it meanwhile.
async fn lock(tx: &Transaction, song: SongId, id: EncodingId) -> Result<Option<Model>, StoreError> {
    Ok(find(song, id).lock_exclusive().one(tx.connection()).await?)
}

async fn insert(db: &impl ConnectionTrait, job: Header, now: Timestamp) -> Result<(), StoreError> {
    let row = ActiveModel {
        song_id: Set(job.song.to_string()),
        encoding_id: Set(job.id.to_string()),
        owner_id: Set(job.owner.to_string()),
        state: Set(State::Queued.as_str().into()),
        attempts: Set(0),
        output_id: Set(None),
        failure_reason: Set(None),
        failure_message: Set(None),
        version: Set(0),
        created_at: Set(now.millis()),
        updated_at: Set(now.millis()),
    };
    let columns = [Column::SongId, Column::EncodingId];
    Entity::insert(row).on_conflict_do_nothing_on(columns).exec_without_returning(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
