//! A new index beside the old.

use super::{Engine, add, apply, ask, delete, everything, put, song};
use crate::index::{Document, IndexError};

fn at(version: u64, id: &str, title: &str) -> Document {
    Document { version, ..song(id, title) }
}

pub(super) async fn replaces_at_once_and_takes_writes_meanwhile(engine: &mut dyn Engine) {
    let index = engine.index();
    add(
        &*index,
        [at(1, "a", "Kept"), at(1, "b", "Changed"), at(1, "c", "Deleted"), at(9, "foreign", "Foreign")],
    )
    .await;
    let mut new = index.rebuild().await.expect("a rebuild begins");
    // What happens while the rows are read counts in both.
    apply(&*index, &[put(at(2, "b", "Newer")), delete("c", 2), put(at(1, "d", "Added"))]).await;
    assert_eq!(everything(&*index).await, ["a", "b", "d", "foreign"], "the old one answers on, and is live");
    assert_eq!(ask(&*index, "newer").await, ["b"]);
    let rows = [put(at(1, "a", "Kept")), put(at(1, "b", "Changed")), put(at(1, "c", "Deleted"))];
    new.apply(&rows).await.expect("applied");
    new.apply(&rows).await.expect("applied again");
    apply(&*index, &[put(at(2, "d", "Later"))]).await;
    assert_eq!(everything(&*index).await.len(), 4);
    new.finish().await.expect("finished");
    index.refresh().await.expect("refreshed");
    assert_eq!(everything(&*index).await, ["a", "b", "d"], "what the rows do not know is gone");
    assert_eq!(ask(&*index, "newer").await, ["b"]);
    assert_eq!(ask(&*index, "later").await, ["d"]);
    assert!(ask(&*index, "changed").await.is_empty());
    add(&*index, [at(1, "e", "After")]).await;
    drop(index);
    engine.reopen().await;
    let index = engine.index();
    assert!(!index.prepare().await.expect("prepared"));
    index.refresh().await.expect("refreshed");
    assert_eq!(everything(&*index).await, ["a", "b", "d", "e"]);
}

pub(super) async fn dropped_leaves_the_old(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [at(1, "a", "Kept")]).await;
    let mut new = index.rebuild().await.expect("a rebuild begins");
    new.apply(&[put(at(1, "b", "Half"))]).await.expect("applied");
    drop(new);
    add(&*index, [at(1, "c", "Later")]).await;
    assert_eq!(everything(&*index).await, ["a", "c"]);
    // And another begins with nothing of it.
    let new = index.rebuild().await.expect("another begins");
    new.finish().await.expect("finished");
    index.refresh().await.expect("refreshed");
    assert!(everything(&*index).await.is_empty());
    add(&*index, [at(1, "d", "After")]).await;
    assert_eq!(everything(&*index).await, ["d"]);
}

pub(super) async fn is_one_at_a_time(engine: &mut dyn Engine) {
    let index = engine.index();
    let new = index.rebuild().await.expect("a rebuild begins");
    assert!(matches!(index.rebuild().await.map(|_| ()), Err(IndexError::Rebuilding)));
    new.finish().await.expect("finished");
    drop(index.rebuild().await.expect("the next one begins"));
}

pub(super) async fn remembers_what_was_deleted(engine: &mut dyn Engine) {
    let index = engine.index();
    apply(&*index, &[delete("gone", 4)]).await;
    index.rebuild().await.expect("begun").finish().await.expect("finished");
    add(&*index, [at(3, "gone", "Late"), at(5, "there", "There")]).await;
    assert_eq!(everything(&*index).await, ["there"], "a late write does not raise what was deleted before");
}
