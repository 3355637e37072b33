//! Rebuilds: by themselves, by call, and while facts go on.

use crate::rig::*;
use segue_domain::UserId;
use segue_proto::search::v1::{RebuildIndexRequest, VerifyIndexRequest};
use tonic::Code;

fn fill(rig: &Rig, count: usize) -> Vec<Fact> {
    let facts: Vec<Fact> = (0..count).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    facts.iter().for_each(|fact| rig.songs.insert(fact.row()));
    facts
}

#[tokio::test]
async fn an_index_that_wants_it_is_rebuilt_at_the_start() {
    let mut rig = Rig::new(config()).await;
    rig.index.with(|state| state.wants_rebuild = true);
    let facts = fill(&rig, 234);
    rig.run();
    eventually("all songs are there", async || rig.index.documents().len() == facts.len()).await;
    assert_eq!(rig.index.with(|state| state.rebuilds), 1);
    rig.stop().await;
}

#[tokio::test]
async fn an_index_that_comes_back_empty_is_rebuilt() {
    let rig = Rig::running(config()).await;
    let facts = fill(&rig, 5);
    rig.index.with(|state| {
        state.away = true;
        state.wants_rebuild = true;
    });
    // Something to apply, so that it notices.
    rig.publish(&[&facts[0]]).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    rig.index.with(|state| state.away = false);
    eventually("all songs are there", async || rig.index.documents().len() == facts.len()).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_call_rebuilds_and_says_how_far_it_is() {
    let rig = Rig::running(config()).await;
    let facts = fill(&rig, 120);
    let foreign = Fact::ready("foreign");
    rig.publish(&[&foreign]).await;
    eventually("it is indexed", async || rig.index.documents().len() == 1).await;
    let said = rig.rebuild().await.unwrap();
    let last = said.last().unwrap();
    assert!(last.done && last.songs == 120 && last.start_time.is_some(), "{last:?}");
    assert!(said.iter().rev().skip(1).all(|message| !message.done));
    assert!(said.is_sorted_by_key(|message| message.songs));
    let ids: Vec<String> = rig.index.documents().into_iter().map(|d| d.id).collect();
    assert_eq!(ids, facts.iter().map(|f| f.id.to_string()).collect::<Vec<_>>(), "what was foreign is gone");
    rig.stop().await;
}

#[tokio::test]
async fn calls_at_once_follow_one_rebuild_which_outlives_them() {
    let rig = Rig::running(config()).await;
    let facts = fill(&rig, 120);
    let held = rig.songs.pages.forget_permits(1 << 20);
    let request = Who::admin().bearing(RebuildIndexRequest {});
    let mut gone = rig.client().rebuild_index(request).await.unwrap().into_inner();
    assert!(!gone.message().await.unwrap().unwrap().done);
    drop(gone);
    let (a, b, ()) = tokio::join!(rig.rebuild(), rig.rebuild(), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        rig.songs.pages.add_permits(held);
    });
    assert!(a.unwrap().last().unwrap().done && b.unwrap().last().unwrap().done);
    assert_eq!(rig.index.with(|state| state.rebuilds), 1);
    assert_eq!(rig.index.documents().len(), facts.len());
    assert!(rig.rebuild().await.unwrap().last().unwrap().done);
    assert_eq!(rig.index.with(|state| state.rebuilds), 2, "a later call begins another");
    rig.stop().await;
}

#[tokio::test]
async fn facts_that_arrive_meanwhile_win_over_pages_that_were_read_before() {
    let rig = Rig::running(config()).await;
    let facts = fill(&rig, 120);
    rig.songs.pages.forget_permits(1 << 20);
    let rebuild = async { rig.rebuild().await.unwrap() };
    let meanwhile = async {
        eventually("it has begun", async || rig.index.with(|state| state.rebuilds) == 1).await;
        rig.songs.pages.add_permits(1);
        let early = facts[0].next(|song| song.title = "tune changed early".into());
        let late = facts[119].next(|song| song.title = "tune changed late".into());
        let gone = facts[118].next(|song| song.deleted = true);
        // The database still gives the old rows: they were read a moment ago.
        rig.publish(&[&early, &late, &gone]).await;
        eventually("they are applied", async || rig.found(&Who::Anonymous, "changed").await.len() == 2).await;
        rig.songs.pages.add_permits(1 << 20);
    };
    tokio::join!(rebuild, meanwhile);
    assert_eq!(rig.found(&Who::Anonymous, "changed").await, ["tune changed early", "tune changed late"]);
    assert!(rig.found(&Who::Anonymous, "tune 118").await.is_empty());
    assert_eq!(rig.index.documents().len(), 119);
    rig.stop().await;
}

#[tokio::test]
async fn a_song_service_that_is_away_for_a_moment_is_waited_for() {
    let rig = Rig::running(config()).await;
    fill(&rig, 3);
    *rig.songs.away.lock().unwrap() = true;
    let back = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        *rig.songs.away.lock().unwrap() = false;
    };
    let (said, ()) = tokio::join!(rig.rebuild(), back);
    assert!(said.unwrap().last().unwrap().done);
    rig.stop().await;
}

#[tokio::test]
async fn a_rebuild_of_another_process_and_callers_without_the_right_are_refused() {
    let rig = Rig::running(config()).await;
    rig.index.with(|state| state.busy = true);
    assert_eq!(refusal(rig.rebuild().await), (Code::FailedPrecondition, "INDEX_REBUILDING".into()));
    rig.index.with(|state| state.busy = false);
    assert!(rig.rebuild().await.unwrap().last().unwrap().done, "and a later one works");

    let user = Who::user(UserId::new());
    let refused = rig.client().rebuild_index(user.bearing(RebuildIndexRequest {})).await.map(drop);
    assert_eq!(refusal(refused), (Code::PermissionDenied, "NOT_ALLOWED".into()));
    let refused = rig.client().verify_index(Who::Anonymous.bearing(VerifyIndexRequest {})).await.map(drop);
    assert_eq!(refusal(refused).0, Code::Unauthenticated);
    rig.stop().await;
}

#[tokio::test]
async fn shutdown_ends_a_rebuild() {
    let rig = Rig::running(config()).await;
    fill(&rig, 3);
    rig.songs.pages.forget_permits(1 << 20);
    let request = Who::admin().bearing(RebuildIndexRequest {});
    let mut said = rig.client().rebuild_index(request).await.unwrap().into_inner();
    assert!(!said.message().await.unwrap().unwrap().done);
    rig.stop().await;
    let end = said.message().await;
    assert_eq!(refusal(end), (Code::Unavailable, "SHUTTING_DOWN".into()));
}
