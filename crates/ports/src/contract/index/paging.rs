//! Page after page.

use super::{Engine, add, everything, query, song};
use crate::index::{Document, IndexError, Kind, Query};
use std::collections::BTreeSet;

pub(super) async fn of_equal_scores_repeats_and_misses_nothing(engine: &mut dyn Engine) {
    let index = engine.index();
    let named =
        |n: usize| song(&format!("{n:03}"), if n.is_multiple_of(3) { "Echo" } else { "Echo Chamber" });
    add(&*index, (0..60).map(named)).await;
    let before: BTreeSet<String> = (0..60).map(|n| format!("{n:03}")).collect();
    let (mut seen, mut scores, mut after) = (Vec::new(), Vec::new(), None);
    for page in 0.. {
        let hits = index.search(&Query { limit: 7, after, ..query("echo") }).await.expect("a page");
        assert!(hits.hits.len() <= 7);
        scores.extend(hits.hits.iter().map(|hit| hit.score));
        seen.extend(hits.hits.into_iter().map(|hit| hit.document.id));
        // Others come while somebody pages, before and behind where they are.
        add(&*index, [song(&format!("a{page:02}"), "Echo"), song(&format!("000-{page:02}"), "Echo Park")])
            .await;
        after = hits.next;
        if after.is_none() {
            break;
        }
        assert!(page < 60, "pages end");
    }
    assert!(scores.is_sorted_by(|a, b| a >= b), "best first: {scores:?}");
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "a page repeated something: {seen:?}");
    assert!(distinct.is_superset(&before), "missed {:?}", before.difference(&distinct));
    // A page that is exactly full is the last when nothing follows.
    let all = index.search(&Query { limit: 200, ..query("chamber") }).await.expect("a page");
    let full = u32::try_from(all.hits.len()).expect("small");
    assert!(full > 0 && all.next.is_none());
    let again = index.search(&Query { limit: full, ..query("chamber") }).await.expect("a page");
    assert_eq!(again, all);
}

pub(super) async fn takes_no_foreign_cursor(engine: &mut dyn Engine) {
    let index = engine.index();
    add(&*index, (0..4).map(|n| song(&n.to_string(), "Echo Park"))).await;
    let first = index.search(&Query { limit: 1, ..query("echo") }).await.expect("a page");
    let other = Query { after: first.next.clone(), ..query("park") };
    assert!(matches!(index.search(&other).await, Err(IndexError::Cursor)), "a cursor of another question");
    let cut = first.next.expect("more")[1..].to_owned();
    for garbage in ["", "x", "🦀", "AAAA", &"9".repeat(5000), &cut] {
        let asked = index.search(&Query { after: Some(garbage.to_owned()), ..query("echo") }).await;
        assert!(matches!(asked, Err(IndexError::Cursor)), "{garbage:?}: {asked:?}");
    }
}

pub(super) async fn scans_everything_in_order(engine: &mut dyn Engine) {
    let index = engine.index();
    assert!(everything(&*index).await.is_empty());
    // More than once each, so that old versions lie about.
    for version in 1..=3 {
        add(&*index, (0..49).rev().map(|n| Document { version, ..song(&format!("{n:02}"), "") })).await;
    }
    let expected: Vec<String> = (0..49).map(|n| format!("{n:02}")).collect();
    assert_eq!(everything(&*index).await, expected, "49 is seven full pages");
    let all = index.scan(Kind::Song, None, 1000).await.expect("scanned");
    assert!(all.next.is_none());
    assert!(all.documents.iter().all(|document| document.version == 3));
}
