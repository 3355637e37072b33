//! What became of a commit whose answer was lost.
//!
//! The transaction wrote a fact under a key that is unique: shard key, subject and sequence. Writing it again settles the
//! question, also while the first transaction is still at work on the server: the second insert waits for the first, and
//! then either finds its row (committed) or succeeds (it will never be committed) and is undone.

use crate::{Outbox, ShardKey, Store, StoreError, outbox, transaction};
use sea_orm::{ConnectionTrait, DbErr, Statement, TransactionOptions};
use segue_proto::event::v1::Event;
use tokio::time::timeout_at;

/// `Ok` when it was committed.
///
/// # Errors
/// [`StoreError::Unavailable`] when it was not, and will not be; [`StoreError::Unknown`] when that could not be found out in
/// the time for tries.
pub(crate) async fn commit(
    store: &Store,
    shard: &ShardKey,
    table: Outbox,
    event: &Event,
    lost: DbErr,
) -> Result<(), StoreError> {
    tracing::warn!(error = %lost, subject = event.subject, "the answer to a commit was lost");
    let mut tries = store.tries();
    let committed = loop {
        let asked = timeout_at(tries.deadline(), is_committed(store, shard, table, event)).await;
        match asked.unwrap_or_else(|_| Err(StoreError::gave_up("no answer in time"))) {
            Ok(committed) => break Some(committed),
            Err(error) if tries.again(&error).await => {}
            Err(error) => {
                tracing::warn!(%error, subject = event.subject, "what became of a commit was not found out");
                break None;
            }
        }
    };
    let outcome = match committed {
        Some(true) => "committed",
        Some(false) => "undone",
        None => "unknown",
    };
    metrics::counter!("segue_store_lost_commits_total", "outcome" => outcome).increment(1);
    match committed {
        Some(true) => Ok(()),
        Some(false) => Err(StoreError::Unavailable(lost)),
        None => Err(StoreError::Unknown(lost)),
    }
}

async fn is_committed(
    store: &Store,
    shard: &ShardKey,
    table: Outbox,
    event: &Event,
) -> Result<bool, StoreError> {
    let primary = store.primary(shard);
    let tx = transaction::begin(primary.clone(), TransactionOptions::default()).await?;
    match outbox::insert(&tx, table, event).await {
        Ok(()) => {
            tx.rollback().await?;
            Ok(false)
        }
        Err(StoreError::Duplicate) => {
            tx.rollback().await?;
            let sql = format!(
                "SELECT event_id FROM {} WHERE shard_key = $1 AND subject = $2 AND sequence = $3",
                table.table()
            );
            let sequence = i64::try_from(event.sequence).map_err(StoreError::corrupt)?;
            let key = [shard.as_str().into(), event.subject.as_str().into(), sequence.into()];
            let statement = Statement::from_sql_and_values(primary.get_database_backend(), sql, key);
            let row = primary.query_one_raw(statement).await?;
            let id = row.map(|row| row.try_get::<String>("", "event_id")).transpose()?;
            // Another's fact under this key: that change came first.
            Ok(id.as_deref() == Some(event.id.as_str()))
        }
        Err(error) => Err(error),
    }
}
