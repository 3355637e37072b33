//! Writes that repeat, come late, or come again.

use super::{Engine, add, apply, ask, delete, everything, put, song};
use crate::index::Document;

fn at(version: u64, title: &str) -> Document {
    Document { version, ..song("one", title) }
}

pub(super) async fn stale_changes_nothing(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [at(5, "Fifth")]).await;
    for stale in [at(5, "Other"), at(4, "Fourth"), at(1, "First")] {
        add(&*index, [stale]).await;
        assert_eq!(ask(&*index, "fifth").await, ["one"]);
    }
    apply(&*index, &[delete("one", 5)]).await;
    assert_eq!(everything(&*index).await, ["one"], "a stale deletion deletes nothing");
    add(&*index, [at(7, "Seventh")]).await;
    assert!(ask(&*index, "fifth").await.is_empty(), "what it was is not found any more");
    assert_eq!(ask(&*index, "seventh").await, ["one"]);
    assert_eq!(everything(&*index).await.len(), 1);
}

pub(super) async fn deleted_stays_deleted(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [at(1, "Gone")]).await;
    apply(&*index, &[delete("one", 3), delete("never-was", 2)]).await;
    add(&*index, [at(2, "Gone"), at(3, "Gone"), Document { version: 1, ..song("never-was", "Gone") }]).await;
    assert!(ask(&*index, "gone").await.is_empty());
    assert!(everything(&*index).await.is_empty());
    drop(index);
    engine.reopen().await;
    let index = engine.index();
    add(&*index, [at(3, "Gone")]).await;
    assert!(everything(&*index).await.is_empty(), "a tombstone is durable");
    add(&*index, [at(4, "Back")]).await;
    assert_eq!(ask(&*index, "back").await, ["one"], "what is newer than the deletion counts");
}

pub(super) async fn any_order_gives_the_newest(engine: &mut dyn Engine) {
    const DOCUMENTS: u64 = 6;
    const VERSIONS: u64 = 5;
    let index = engine.index();
    // Half of the documents end with a deletion. Each write comes twice.
    let write = |n: u64| {
        let (id, version) = (format!("{}", n % DOCUMENTS), n / DOCUMENTS % VERSIONS + 1);
        match (n % DOCUMENTS + version).is_multiple_of(2) {
            true => delete(&id, version),
            false => put(Document { version, ..song(&id, &format!("Version {version}")) }),
        }
    };
    let mut writes: Vec<_> = (0..DOCUMENTS * VERSIONS * 2).map(write).collect();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for n in (1..writes.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writes.swap(n, (random >> 33) as usize % (n + 1));
    }
    for some in writes.chunks(7) {
        index.apply(some).await.expect("applied");
    }
    index.refresh().await.expect("refreshed");
    let kept: Vec<String> =
        (0..DOCUMENTS).filter(|n| !(n + VERSIONS).is_multiple_of(2)).map(|n| n.to_string()).collect();
    assert_eq!(everything(&*index).await, kept);
    assert_eq!(ask(&*index, &format!("version {VERSIONS}")).await, kept);
    let scanned = index.scan(crate::index::Kind::Song, None, 100).await.expect("scanned");
    assert!(scanned.documents.iter().all(|document| document.version == VERSIONS));
}

pub(super) async fn one_batch_may_name_a_document_twice(engine: &mut dyn Engine) {
    let index = engine.index();
    let twice = [put(at(2, "Second")), put(at(1, "First")), put(at(3, "Third")), put(song("two", "Third"))];
    apply(&*index, &twice).await;
    assert_eq!(ask(&*index, "third").await, ["one", "two"]);
    assert!(ask(&*index, "second").await.is_empty());
    apply(&*index, &[delete("two", 2), put(song("two", "Third"))]).await;
    assert_eq!(everything(&*index).await, ["one"]);
    index.apply(&[]).await.expect("nothing is applied easily");
}

pub(super) async fn applied_is_there_after_a_restart(engine: &mut dyn Engine) {
    for n in 0..20 {
        engine.index().apply(&[put(song(&format!("{n:02}"), "Kept"))]).await.expect("applied");
    }
    engine.reopen().await;
    engine.index().prepare().await.expect("prepared");
    engine.index().refresh().await.expect("refreshed");
    assert_eq!(ask(&*engine.index(), "kept").await.len(), 20);
    assert_eq!(everything(&*engine.index()).await.len(), 20);
}

pub(super) async fn is_prepared_by_many_at_once(engine: &mut dyn Engine) {
    add(&*engine.index(), [at(1, "Here")]).await;
    let many = (0..4).map(|_| {
        let index = engine.index();
        async move { index.prepare().await }
    });
    for wants_rebuild in futures::future::join_all(many).await {
        assert!(wants_rebuild.expect("prepared"), "it has not been filled");
    }
    assert_eq!(ask(&*engine.index(), "here").await, ["one"]);
}
