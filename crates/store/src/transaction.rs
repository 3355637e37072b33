//! A change of one aggregate and the facts that it makes, in one transaction.

use crate::{Outbox, ShardKey, Store, StoreError, outbox, settle};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use segue_proto::event::v1::Event;

/// A transaction on one shard. Dropped without a commit, it changes nothing.
pub struct Transaction {
    store: Store,
    shard: ShardKey,
    inner: DatabaseTransaction,
    /// The first fact: no other transaction can have written it.
    mark: Option<(Outbox, Event)>,
}

impl Transaction {
    pub(crate) async fn begin(store: Store, shard: ShardKey) -> Result<Self, StoreError> {
        // A deferred transaction that reads first could not be upgraded after another wrote.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let primary = store.primary(&shard);
        let inner = tokio::select! {
            biased;
            begun = begin(primary, options) => begun?,
            () = store.removed() => return Err(StoreError::gave_up("the server went out of use")),
        };
        Ok(Self { store, shard, inner, mark: None })
    }

    /// Runs statements inside.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Writes a fact beside the change. `event.subject` and `event.sequence` must be unique per shard key: the
    /// aggregate and its new version. `event.shard_key` is set to this transaction's.
    pub async fn emit(&mut self, table: Outbox, mut event: Event) -> Result<(), StoreError> {
        event.shard_key = self.shard.as_str().to_owned();
        outbox::insert(&self.inner, table, &event).await?;
        self.mark.get_or_insert((table, event));
        Ok(())
    }

    /// Makes it all durable, and wakes the relay when a fact was written.
    ///
    /// When the server's answer is lost, the fact tells what became of the transaction, so that it is neither lost nor made
    /// twice by a caller who tries again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was changed and nothing will be, it may be made again.
    /// [`StoreError::Unknown`]: the answer was lost and no fact was written, or the database was not there to be asked in
    /// time.
    #[tracing::instrument(name = "commit", skip_all, fields(db.system = ?self.store.backend(), otel.kind = "client"))]
    pub async fn commit(self) -> Result<(), StoreError> {
        let Self { store, shard, inner, mark } = self;
        match (inner.commit().await.map_err(StoreError::of_commit), &mark) {
            (Ok(()), _) => {}
            (Err(StoreError::Unknown(lost)), Some((table, event)))
                if store.backend() == DbBackend::Postgres =>
            {
                settle::commit(&store, &shard, *table, event, lost).await?;
            }
            (Err(error), _) => return Err(error),
        }
        if mark.is_some() {
            store.crash_point("outbox-written");
            store.wake_relay();
        }
        Ok(())
    }

    /// Undoes it all.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

/// Begins in a task of its own, which ends also when the caller is dropped meanwhile: sqlx-postgres 0.9 forgets a BEGIN that
/// was sent and not yet answered, and would hand the connection on with the transaction open.
pub(crate) async fn begin(
    primary: DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, StoreError> {
    let begin = tokio::spawn(async move { primary.begin_with_options(options).await });
    // Without an answer the process is shutting down.
    begin.await.map_err(|error| StoreError::gave_up(&error.to_string()))?.map_err(StoreError::from)
}
