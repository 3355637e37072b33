//! A change of one aggregate and the facts that it makes, in one transaction.

use crate::{Outbox, ShardKey, Store, StoreError, outbox};
use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use segue_proto::event::v1::Event;

/// A transaction on one shard. Dropped without a commit, it changes nothing.
pub struct Transaction {
    store: Store,
    shard: ShardKey,
    inner: DatabaseTransaction,
    emitted: bool,
}

impl Transaction {
    pub(crate) async fn begin(store: Store, shard: ShardKey) -> Result<Self, StoreError> {
        // A deferred transaction that reads first could not be upgraded after another wrote.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = store.primary(&shard).begin_with_options(options).await?;
        Ok(Self { store, shard, inner, emitted: false })
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
        self.emitted = true;
        Ok(())
    }

    /// Makes it all durable, and wakes the relay when a fact was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await?;
        if self.emitted {
            self.store.crash_point("outbox-written");
            self.store.wake_relay();
        }
        Ok(())
    }

    /// Undoes it all.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}
