//! Popularity, which has no version.

use super::{Engine, add, apply, ask, delete, everything, ids, query, song};
use crate::index::{Document, Index, Kind, Query, Rating};
use segue_domain::Timestamp;

async fn rate(index: &dyn Index, ratings: &[(&str, u8)]) {
    let rating = |(id, popularity): &(&str, u8)| Rating {
        kind: Kind::Song,
        id: (*id).to_owned(),
        popularity: *popularity,
    };
    let ratings: Vec<Rating> = ratings.iter().map(rating).collect();
    index.rate(&ratings).await.expect("rated");
    index.refresh().await.expect("refreshed");
}

/// Version and popularity of a song.
async fn known(index: &dyn Index, id: &str) -> Option<(u64, u8)> {
    let all = index.scan(Kind::Song, None, 10).await.expect("scanned").documents;
    all.into_iter().find(|d| d.id == id).map(|d| (d.version, d.popularity))
}

pub(super) async fn decides_between_equals_and_then_age(engine: &mut dyn Engine) {
    let index = engine.index();
    let at = |id: &str, title: &str, created| Document { created: Timestamp(created), ..song(id, title) };
    let songs = [
        at("a-old", "Summer Rain", 1_000),
        at("b-new", "Summer Rain", 9_000),
        at("c-popular", "Summer Rain", 1_000),
        at("d-better", "Summer", 500),
    ];
    add(&*index, songs).await;
    assert_eq!(ask(&*index, "summer").await, ["d-better", "b-new", "a-old", "c-popular"]);
    rate(&*index, &[("c-popular", 80), ("a-old", 4)]).await;
    assert_eq!(
        ask(&*index, "summer").await,
        ["d-better", "c-popular", "a-old", "b-new"],
        "match comes first"
    );
    rate(&*index, &[("c-popular", 3)]).await;
    assert_eq!(
        ask(&*index, "summer rain").await,
        ["a-old", "c-popular", "b-new", "d-better"],
        "what was said last counts"
    );
    assert_eq!(ask(&*index, "-winter").await[0], "a-old", "also where there is nothing to match");
}

pub(super) async fn stays_whatever_is_written(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, [song("1", "Constant"), song("2", "Constant")]).await;
    rate(&*index, &[("2", 77)]).await;
    assert_eq!(known(&*index, "2").await, Some((1, 77)), "its version is as it was");
    add(&*index, [Document { version: 2, ..song("2", "Constant Change") }]).await;
    assert_eq!(known(&*index, "2").await, Some((2, 77)));
    // A new index knows it too, and hears of what is rated meanwhile.
    let mut new = index.rebuild().await.expect("a rebuild begins");
    rate(&*index, &[("1", 55)]).await;
    new.apply(&[super::put(song("1", "Constant"))]).await.expect("applied");
    new.apply(&[super::put(Document { version: 2, ..song("2", "Constant Change") })]).await.expect("applied");
    new.finish().await.expect("finished");
    index.refresh().await.expect("refreshed");
    assert_eq!((known(&*index, "1").await, known(&*index, "2").await), (Some((1, 55)), Some((2, 77))));
    drop(index);
    engine.reopen().await;
    let index = engine.index();
    index.refresh().await.expect("refreshed");
    assert_eq!(ask(&*index, "constant").await.len(), 2);
    assert_eq!(known(&*index, "2").await, Some((2, 77)), "it is durable");
    // What says it itself is right.
    add(&*index, [Document { version: 3, popularity: 9, ..song("2", "Constant") }]).await;
    assert_eq!(known(&*index, "2").await, Some((3, 9)));
}

pub(super) async fn is_known_before_what_it_is_of(engine: &mut dyn Engine) {
    let index = engine.index();
    apply(&*index, &[delete("gone", 3)]).await;
    rate(&*index, &[("later", 60), ("gone", 50)]).await;
    assert!(everything(&*index).await.is_empty(), "a rating makes nothing");
    assert!(ask(&*index, "-x").await.is_empty());
    index.rebuild().await.expect("begun").finish().await.expect("finished");
    index.refresh().await.expect("refreshed");
    add(&*index, [song("later", "Later"), song("gone", "Late")]).await;
    let all = index.scan(Kind::Song, None, 10).await.expect("scanned").documents;
    assert_eq!(all.iter().map(|d| (d.id.as_str(), d.popularity)).collect::<Vec<_>>(), [("later", 60)]);
}

pub(super) async fn pages_hold_what_is_equally_popular(engine: &mut dyn Engine) {
    let index = engine.index();
    let at = |n: usize| Document { created: Timestamp(n as i64 / 4 - 3), ..song(&format!("{n:03}"), "Wave") };
    add(&*index, (0..60).map(at)).await;
    let ratings: Vec<(String, u8)> = (0..60).map(|n| (format!("{n:03}"), [0, 9, 200][n % 3])).collect();
    rate(&*index, &ratings.iter().map(|(id, n)| (id.as_str(), *n)).collect::<Vec<_>>()).await;
    let whole = ids(&*index, &query("wave")).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = index.search(&Query { limit: 7, after, ..query("wave") }).await.expect("a page");
        seen.extend(page.hits.into_iter().map(|hit| hit.document.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole);
    assert_eq!(seen.len(), 60);
}
