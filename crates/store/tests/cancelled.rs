//! Callers that go away at any moment leave no transaction behind.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use segue_domain::SongId;
use segue_store::testing;
use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};
use tokio::time::sleep;

/// Runs `work` until it has been woken `times` times, and drops it then.
async fn cut_off(work: impl Future, times: u32) {
    let mut work = pin!(work);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        if polls > times { Poll::Ready(()) } else { work.as_mut().poll(cx).map(drop) }
    })
    .await;
}

/// Transactions that are open and in which nothing happens, asked on a connection that is not in the pool meanwhile.
async fn open(watcher: &DatabaseTransaction) -> i64 {
    // What a transaction sees of others is of when it first looked.
    watcher.execute_unprepared("SELECT pg_stat_clear_snapshot()").await.unwrap();
    let sql = "SELECT COUNT(*) AS n FROM pg_stat_activity \
               WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    watcher.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn a_transaction_ends_with_its_caller_also_while_it_begins() {
    for test in testing::stores().await {
        let store = &test.store;
        if store.backend() != DbBackend::Postgres {
            continue;
        }
        let watcher = store.primaries()[0].begin().await.unwrap();
        for times in (0..20).cycle().take(200) {
            cut_off(store.begin(SongId::new().into()), times).await;
            // What was undone may be on its way.
            let mut looks = 0;
            while open(&watcher).await > 0 {
                looks += 1;
                assert!(looks < 100, "a transaction is open whose caller went away after {times} turns");
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}
