//! Callers that go away at any moment leave no transaction behind.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use segue_domain::SongId;
use segue_store::{Store, testing};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Transactions that are open and in which nothing happens.
async fn open(store: &Store) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM pg_stat_activity \
               WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = store.primaries()[0].query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

#[tokio::test]
async fn a_transaction_ends_with_its_caller_also_while_it_begins() {
    for test in testing::stores().await {
        let store = &test.store;
        for micros in 0..400 {
            let begun = timeout(Duration::from_micros(micros), store.begin(SongId::new().into())).await;
            drop(begun);
            if store.backend() != DbBackend::Postgres {
                continue;
            }
            // It may be on its way. Each question is asked on another connection.
            let mut tries = 0;
            while open(store).await > 0 {
                tries += 1;
                assert!(tries < 100, "a transaction is open whose caller went away after {micros} µs");
                sleep(Duration::from_millis(5)).await;
            }
        }
        store.begin(SongId::new().into()).await.unwrap().rollback().await.unwrap();
    }
}
