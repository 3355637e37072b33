//! The outbox is written with the change, or not at all.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use segue_domain::{EventId, SongId};
use segue_proto::event::v1::Event;
use segue_store::{Outbox, ShardKey, Store, StoreError, testing};

fn event(song: SongId, sequence: u64) -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: "song.created.v1".into(),
        subject: song.to_string(),
        sequence,
        ..Default::default()
    }
}

async fn rows(store: &Store, shard: &ShardKey) -> Result<i64, DbErr> {
    let sql = "SELECT COUNT(*) AS n FROM outbox";
    let row = store.reader(shard).query_one_raw(Statement::from_string(store.backend(), sql)).await?;
    row.expect("a count").try_get("", "n")
}

#[tokio::test]
async fn a_fact_is_there_after_a_commit_and_only_then() {
    for test in testing::stores().await {
        let (store, song) = (&test.store, SongId::new());
        let shard = ShardKey::from(song);
        let woken = store.outbox_written();

        let mut tx = store.begin(shard.clone()).await.unwrap();
        tx.emit(Outbox::Main, event(song, 1)).await.unwrap();
        drop(tx);
        assert_eq!(rows(store, &shard).await.unwrap(), 0, "{}", test.engine);
        assert!(!woken.has_changed().unwrap());

        let mut tx = store.begin(shard.clone()).await.unwrap();
        tx.emit(Outbox::Main, event(song, 1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(rows(store, &shard).await.unwrap(), 1, "{}", test.engine);
        assert!(woken.has_changed().unwrap());
    }
}

#[tokio::test]
async fn a_version_is_published_once() {
    for test in testing::stores().await {
        let song = SongId::new();
        let mut tx = test.store.begin(song.into()).await.unwrap();
        tx.emit(Outbox::Main, event(song, 1)).await.unwrap();
        let again = tx.emit(Outbox::Main, event(song, 1)).await;
        assert!(matches!(again, Err(StoreError::Duplicate)), "{}: {again:?}", test.engine);
    }
}

#[tokio::test]
async fn migrations_can_run_again() {
    for test in testing::stores().await {
        test.store.migrate_outbox().await.unwrap();
    }
}
