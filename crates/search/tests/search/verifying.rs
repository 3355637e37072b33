//! Differences between index and database.

use crate::rig::*;
use segue_domain::UserId;
use segue_ports::index::{Document, Index, Write};
use segue_proto::{
    search::v1::{Difference, DifferenceKind, VerifyIndexRequest, VerifyIndexResponse},
    song::v1::SongState,
};
use std::time::Duration;
use tonic::Code;

/// A rig whose index and database have the same songs.
async fn equal(count: usize) -> (Rig, Vec<Fact>) {
    equal_with(count, config()).await
}

async fn equal_with(count: usize, config: segue_search::SearchConfig) -> (Rig, Vec<Fact>) {
    let rig = Rig::running(config).await;
    let facts: Vec<Fact> = (0..count).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    facts.iter().for_each(|fact| rig.songs.insert(fact.row()));
    rig.publish(&facts.iter().collect::<Vec<_>>()).await;
    eventually("all are indexed", async || rig.index.documents().len() == count).await;
    (rig, facts)
}

fn differences(said: Vec<VerifyIndexResponse>) -> Vec<Difference> {
    let last = said.last().expect("it ends with a message");
    assert!(last.done, "{last:?}");
    said.into_iter().filter_map(|message| message.difference).collect()
}

/// Changes a document behind the role's back.
fn alter(rig: &Rig, fact: &Fact, change: impl FnOnce(&mut Document)) {
    rig.index.with(|state| change(state.live.get_mut(&fact.id.to_string()).unwrap().1.as_mut().unwrap()));
}

#[tokio::test]
async fn an_equal_index_has_no_difference() {
    let (rig, _) = equal(130).await;
    let said = rig.verify().await.unwrap();
    assert_eq!(said.last().unwrap().songs, 130);
    assert!(said.iter().any(|message| !message.done && message.songs == 50), "it says how far it is");
    assert_eq!(differences(said), []);
    rig.stop().await;
}

#[tokio::test]
async fn one_altered_one_deleted_and_one_foreign_document_are_named() {
    let (rig, facts) = equal(130).await;
    alter(&rig, &facts[20], |document| document.title = "tampered".into());
    rig.index.with(|state| state.live.remove(&facts[70].id.to_string()));
    let foreign = Fact::ready("foreign");
    rig.index.with(|state| {
        let (version, document) = state.live[&facts[0].id.to_string()].clone();
        let document = document.map(|d| Document { id: foreign.id.to_string(), ..d });
        state.live.insert(foreign.id.to_string(), (version, document));
    });
    let found = differences(rig.verify().await.unwrap());
    let summary: Vec<_> = found
        .iter()
        .map(|d| (d.difference_kind(), d.id.as_str(), d.database_version, d.index_version, d.fields.clone()))
        .collect();
    let (altered, gone, foreign) =
        (facts[20].id.to_string(), facts[70].id.to_string(), foreign.id.to_string());
    assert_eq!(
        summary,
        [
            (DifferenceKind::Stale, altered.as_str(), 4, 4, vec!["title".to_owned()]),
            (DifferenceKind::Missing, gone.as_str(), 4, 0, vec![]),
            (DifferenceKind::Foreign, foreign.as_str(), 0, 4, vec![]),
        ]
    );
    rig.rebuild().await.unwrap();
    assert_eq!(differences(rig.verify().await.unwrap()), [], "a rebuild repairs all of it");
    rig.stop().await;
}

#[tokio::test]
async fn a_lost_change_a_lost_deletion_and_a_song_that_plays_no_more_are_named() {
    let (rig, facts) = equal(5).await;
    rig.songs.insert(facts[0].next(|_| ()).row());
    rig.songs.remove(&facts[1].id.to_string());
    rig.songs.insert(facts[2].next(|song| song.state = SongState::Failed).row());
    let found = differences(rig.verify().await.unwrap());
    let summary: Vec<_> = found.iter().map(|d| (d.difference_kind(), d.fields.join(","))).collect();
    assert_eq!(
        summary,
        [
            (DifferenceKind::Stale, "version".to_owned()),
            (DifferenceKind::Foreign, String::new()),
            (DifferenceKind::Foreign, String::new())
        ]
    );
    rig.stop().await;
}

#[tokio::test]
async fn changes_on_their_way_are_no_differences() {
    let (rig, facts) = equal(10).await;
    let changed = facts[3].next(|song| song.title = "tune changed".into());
    let gone = facts[4].next(|song| song.deleted = true);
    let new = Fact::ready("tune new");
    rig.songs.insert(changed.row());
    rig.songs.remove(&gone.id.to_string());
    rig.songs.insert(new.row());
    let arrive = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        rig.publish(&[&changed, &gone, &new]).await;
    };
    let (said, ()) = tokio::join!(rig.verify(), arrive);
    assert_eq!(differences(said.unwrap()), []);
    rig.stop().await;
}

#[tokio::test]
async fn a_song_that_goes_on_changing_is_no_difference() {
    let (rig, facts) = equal(3).await;
    let mut song = facts[1].next(|_| ());
    rig.songs.insert(song.row());
    let edits = async {
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // The database is always one version ahead of the index.
            rig.publish(&[&song]).await;
            song = song.next(|_| ());
            rig.songs.insert(song.row());
        }
    };
    let (said, ()) = tokio::join!(rig.verify(), edits);
    assert_eq!(differences(said.unwrap()), []);
    rig.stop().await;
}

#[tokio::test]
async fn more_differences_than_can_be_listed_are_cut_and_said_so() {
    let config = segue_search::SearchConfig { max_differences: 10, ..config() };
    let (rig, facts) = equal_with(60, config).await;
    let deletes: Vec<Write> = facts
        .iter()
        .map(|f| Write::Delete { kind: segue_ports::index::Kind::Song, id: f.id.to_string(), version: 5 })
        .collect();
    rig.index.apply(&deletes).await.unwrap();
    let said = rig.verify().await.unwrap();
    assert!(said.last().unwrap().truncated);
    assert_eq!(differences(said).len(), 10);
    rig.stop().await;
}

#[tokio::test]
async fn one_comparison_at_a_time_and_one_that_nobody_hears_ends() {
    let (rig, facts) = equal(3).await;
    rig.index.with(|state| state.live.remove(&facts[0].id.to_string()));
    rig.songs.pages.forget_permits(1 << 20);
    let request = Who::user(UserId::new());
    assert_eq!(
        refusal(rig.client().verify_index(request.bearing(VerifyIndexRequest {})).await.map(drop)).0,
        Code::PermissionDenied
    );
    let first = rig.client().verify_index(Who::admin().bearing(VerifyIndexRequest {})).await.unwrap();
    assert_eq!(refusal(rig.verify().await), (Code::ResourceExhausted, "INDEX_VERIFYING".into()));
    drop(first);
    rig.songs.pages.add_permits(1 << 20);
    eventually("the next one may begin", async || rig.verify().await.is_ok()).await;
    assert_eq!(differences(rig.verify().await.unwrap()).len(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn an_index_that_is_away_ends_the_comparison() {
    let (rig, _) = equal(3).await;
    rig.index.with(|state| state.away = true);
    assert_eq!(refusal(rig.verify().await), (Code::Unavailable, "INDEX_UNAVAILABLE".into()));
    rig.stop().await;
}
