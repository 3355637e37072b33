//! The index follows the facts.

use crate::rig::*;
use segue_domain::UserId;
use segue_ports::bus::Bus;
use segue_proto::{
    event::v1::Event,
    song::v1::{SongState, Visibility},
};
use std::time::Duration;

#[tokio::test]
async fn a_song_is_found_while_it_plays_and_by_who_may_see_it() {
    let rig = Rig::running(config()).await;
    let owner = UserId::new();
    let mine = Fact { owner, visibility: Visibility::Private, ..Fact::ready("tune one") };
    let public = Fact::ready("tune two");
    let unlisted = Fact { visibility: Visibility::Unlisted, ..Fact::ready("tune three") };
    let encoding = Fact { state: SongState::Processing, ..Fact::ready("tune four") };
    rig.publish(&[&mine, &public, &unlisted, &encoding]).await;
    let admin = Who::admin();
    eventually("three are indexed", async || rig.found(&admin, "tune").await.len() == 3).await;
    assert_eq!(rig.found(&Who::Anonymous, "tune").await, ["tune two"]);
    assert_eq!(rig.found(&Who::user(UserId::new()), "tune").await, ["tune two"]);
    assert_eq!(rig.found(&Who::user(owner), "tune").await, ["tune one", "tune two"]);

    let shown = mine.next(|song| song.visibility = Visibility::Public);
    let gone = public.next(|song| song.deleted = true);
    rig.publish(&[&shown, &gone]).await;
    eventually("both changes arrive", async || rig.found(&Who::Anonymous, "tune").await == ["tune one"])
        .await;
    let failed = shown.next(|song| song.state = SongState::Failed);
    rig.publish(&[&failed]).await;
    eventually("it plays no more", async || rig.found(&admin, "tune one").await.is_empty()).await;
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_says_what_the_fact_said() {
    let rig = Rig::running(config()).await;
    let fact = Fact::ready("tune");
    rig.publish(&[&fact]).await;
    eventually("it is indexed", async || !rig.found(&Who::Anonymous, "tune").await.is_empty()).await;
    let request = segue_proto::search::v1::SearchRequest { query: "tune".into(), ..Default::default() };
    let item = song(rig.ask(&Who::Anonymous, request).await.unwrap().results.remove(0));
    let row = fact.row();
    assert_eq!(
        (item.song_id, item.owner_id, item.visibility, item.title, item.artists),
        (row.song_id, row.owner_id, row.visibility, row.title, row.artists)
    );
    assert_eq!(
        (item.album, item.album_artist, item.genre, item.year, item.duration_ms, item.create_time),
        (row.album, row.album_artist, row.genre, row.year, row.duration_ms, row.create_time)
    );
    rig.stop().await;
}

/// A small generator, so that a run can be repeated.
fn shuffled<T>(items: &mut [T], mut seed: u64) {
    for i in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, (seed >> 33) as usize % (i + 1));
    }
}

#[tokio::test]
async fn facts_in_any_order_and_twice_give_the_newest_state() {
    for seed in 0..5 {
        let rig = Rig::running(config()).await;
        let (mut facts, mut expected) = (Vec::new(), Vec::new());
        for n in 0..10 {
            let mut song = Fact::ready(&format!("tune {n} v0"));
            facts.push(song.clone());
            for v in 1..5 {
                song = song.next(|song| song.title = format!("tune {n} v{v}"));
                facts.push(song.clone());
            }
            if n % 3 == 0 {
                facts.push(song.next(|song| song.deleted = true));
            } else {
                expected.push(song.title);
            }
        }
        facts.extend(facts.clone());
        shuffled(&mut facts, seed);
        for part in facts.chunks(7) {
            rig.publish(&part.iter().collect::<Vec<_>>()).await;
        }
        let last = Fact::ready("the end");
        rig.publish(&[&last]).await;
        eventually("all are applied", async || !rig.found(&Who::Anonymous, "the end").await.is_empty()).await;
        assert_eq!(rig.found(&Who::Anonymous, "tune").await, expected, "seed {seed}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_parked_and_holds_up_nothing() {
    let rig = Rig::running(config()).await;
    let good = Fact::ready("tune");
    let event = good.event();
    let mut garbage = message(&event);
    garbage.payload = vec![0xff; 40].into();
    let unknown = message(&Event { r#type: "song.played.v1".into(), data: None, ..event.clone() });
    let newer = message(&Event { r#type: "song.ready.v2".into(), ..event.clone() });
    let unversioned = message(&Event { sequence: 0, ..event.clone() });
    let strange = Fact { state: SongState::Unspecified, ..Fact::ready("strange") };
    let mut bad = vec![garbage, unknown, newer, unversioned, strange.message()];
    for (n, message) in bad.iter_mut().enumerate() {
        message.id = format!("bad-{n}");
    }
    rig.bus.publish(bad.clone()).await.unwrap();
    rig.publish(&[&good]).await;
    eventually("the good one is applied", async || rig.found(&Who::Anonymous, "tune").await == ["tune"])
        .await;
    eventually("the bad ones are parked", async || {
        rig.bus.dead_letters("search-index").await.unwrap().len() == bad.len()
    })
    .await;
    for letter in rig.bus.dead_letters("search-index").await.unwrap() {
        assert_eq!(letter.failures, 3);
        assert!(letter.reason.starts_with("event cannot be understood"), "{}", letter.reason);
    }
    let after = Fact::ready("tune after");
    rig.publish(&[&after]).await;
    eventually("it goes on", async || rig.found(&Who::Anonymous, "after").await.len() == 1).await;
    rig.stop().await;
}

#[tokio::test]
async fn nothing_is_taken_or_counted_while_the_index_is_away() {
    let rig = Rig::running(config()).await;
    let before = Fact::ready("tune before");
    rig.publish(&[&before]).await;
    eventually("it works", async || rig.found(&Who::Anonymous, "tune").await.len() == 1).await;
    let prepared = rig.index.with(|state| {
        state.away = true;
        state.prepared
    });
    let facts: Vec<Fact> = (0..300).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    rig.publish(&facts.iter().collect::<Vec<_>>()).await;
    // Many more pauses than a message has attempts.
    tokio::time::sleep(Duration::from_millis(800)).await;
    let refused = rig.ask(&Who::Anonymous, Default::default()).await;
    assert!(refused.is_ok(), "nothing is asked of the index for nothing");
    rig.index.with(|state| state.away = false);
    eventually("all arrive", async || rig.index.documents().len() == 301).await;
    assert_eq!(rig.bus.dead_letters("search-index").await.unwrap(), []);
    assert!(
        rig.index.with(|state| state.prepared) > prepared,
        "what comes back may be empty, so it is prepared"
    );
    rig.stop().await;
}

#[tokio::test]
async fn an_index_that_is_away_at_the_start_is_waited_for() {
    let mut rig = Rig::new(config()).await;
    rig.index.with(|state| state.away = true);
    let fact = Fact::ready("tune");
    rig.publish(&[&fact]).await;
    rig.run();
    tokio::time::sleep(Duration::from_millis(200)).await;
    rig.index.with(|state| state.away = false);
    eventually("it is indexed", async || rig.found(&Who::Anonymous, "tune").await == ["tune"]).await;
    rig.stop().await;
}

#[tokio::test]
async fn many_facts_are_applied_in_few_batches() {
    let mut rig = Rig::new(config()).await;
    let facts: Vec<Fact> = (0..2_000).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    for part in facts.chunks(500) {
        rig.publish(&part.iter().collect::<Vec<_>>()).await;
    }
    rig.run();
    eventually("all arrive", async || rig.index.documents().len() == facts.len()).await;
    let applies = rig.index.with(|state| state.applies);
    assert!(applies <= 200, "{applies} batches for 2000 facts");
    rig.stop().await;
}

#[tokio::test]
async fn facts_by_which_nothing_changes_that_is_said_are_applied_together_and_in_time() {
    let rig = Rig::running(config()).await;
    let mut fact = Fact::ready("tune");
    rig.publish(&[&fact]).await;
    eventually("it is found", async || rig.found(&Who::Anonymous, "tune").await.len() == 1).await;
    let before = rig.index.with(|state| state.applies);
    for _ in 0..40 {
        fact = fact.next(|_| ());
        rig.publish(&[&fact]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let version = || rig.index.documents()[0].version;
    eventually("the last is applied", async || version() == fact.version).await;
    let applies = rig.index.with(|state| state.applies) - before;
    assert!(applies <= 6, "{applies} batches for 40 facts of the same content");

    // What is said changes: at once, and with what waits.
    let same = fact.next(|_| ());
    let other = same.next(|fact| fact.title = "other".into());
    rig.publish(&[&same]).await;
    rig.publish(&[&other]).await;
    eventually("it is found", async || rig.found(&Who::Anonymous, "other").await.len() == 1).await;
    assert_eq!(version(), other.version);
    rig.stop().await;
}
