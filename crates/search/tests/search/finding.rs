//! Questions and their refusals.

use crate::rig::*;
use segue_domain::UserId;
use segue_ports::index::{Index, Write};
use segue_proto::search::v1::{Kind, SearchRequest};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt;

/// A rig whose index has `count` songs.
async fn filled(count: usize) -> (Rig, Vec<Fact>) {
    let rig = Rig::running(config()).await;
    let facts: Vec<Fact> = (0..count).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    rig.publish(&facts.iter().collect::<Vec<_>>()).await;
    eventually("all are indexed", async || rig.index.documents().len() == count).await;
    (rig, facts)
}

fn question(query: &str) -> SearchRequest {
    SearchRequest { query: query.into(), ..Default::default() }
}

#[tokio::test]
async fn pages_hold_every_answer_once() {
    let (rig, facts) = filled(25).await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = SearchRequest { page_size: 10, page_token, ..question(" tune ") };
        let page = rig.ask(&Who::Anonymous, request).await.unwrap();
        seen.extend(page.results.into_iter().map(|result| song(result).song_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let ids: Vec<String> = facts.iter().map(|fact| fact.id.to_string()).collect();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_token_opens_only_the_question_and_the_caller_that_it_came_from() {
    let (rig, _) = filled(3).await;
    let who = Who::user(UserId::new());
    let first = rig.ask(&who, SearchRequest { page_size: 1, ..question("tune") }).await.unwrap();
    let again = SearchRequest { page_token: first.next_page_token, ..question("tune") };
    assert_eq!(rig.ask(&who, again.clone()).await.unwrap().results.len(), 2, "the size may change");
    let other_words = SearchRequest { query: "tun".into(), ..again.clone() };
    let other_kinds = SearchRequest { kinds: vec![Kind::Song.into()], ..again.clone() };
    for (who, request) in [
        (&Who::Anonymous, again.clone()),
        (&Who::user(UserId::new()), again.clone()),
        (&Who::admin(), again),
        (&who, other_words),
        (&who, other_kinds),
    ] {
        let status = rig.ask(who, request).await.unwrap_err();
        let fields = status.get_error_details().bad_request().unwrap().field_violations.clone();
        assert_eq!((status.code(), fields[0].field.as_str()), (Code::InvalidArgument, "page_token"));
    }
}

#[tokio::test]
async fn questions_that_cannot_be_asked_name_the_field() {
    let (rig, _) = filled(1).await;
    for (request, field) in [
        (question(&"ü".repeat(501)), "query"),
        (SearchRequest { page_size: -1, ..question("tune") }, "page_size"),
        (SearchRequest { page_token: "garbage".into(), ..question("tune") }, "page_token"),
        (SearchRequest { kinds: vec![77], ..question("tune") }, "kinds"),
        (SearchRequest { kinds: vec![0], ..question("tune") }, "kinds"),
    ] {
        let status = rig.ask(&Who::Anonymous, request).await.unwrap_err();
        let fields = status.get_error_details().bad_request().unwrap().field_violations.clone();
        assert_eq!((status.code(), fields[0].field.as_str()), (Code::InvalidArgument, field));
    }
    assert!(rig.ask(&Who::Anonymous, question(&"ü".repeat(500))).await.unwrap().results.is_empty());
    for nothing in ["", "  \t\n "] {
        assert!(rig.ask(&Who::Anonymous, question(nothing)).await.unwrap().results.is_empty());
    }
    let songs_only = SearchRequest { kinds: vec![Kind::Song.into(); 2], ..question("tune") };
    assert_eq!(rig.ask(&Who::Anonymous, songs_only).await.unwrap().results.len(), 1);
}

#[tokio::test]
async fn an_index_that_is_away_or_slow_is_unavailable_and_says_when_to_come_back() {
    let (rig, _) = filled(1).await;
    rig.index.with(|state| state.away = true);
    let status = rig.ask(&Who::Anonymous, question("tune")).await.unwrap_err();
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert_eq!(refusal::<()>(Err(status)), (Code::Unavailable, "INDEX_UNAVAILABLE".into()));
    rig.index.with(|state| {
        state.away = false;
        state.answers_after = Duration::from_secs(60);
    });
    let began = std::time::Instant::now();
    let slow = rig.ask(&Who::Anonymous, question("tune")).await;
    assert_eq!(refusal(slow), (Code::Unavailable, "INDEX_UNAVAILABLE".into()));
    assert!(began.elapsed() < Duration::from_secs(5));
    rig.index.with(|state| state.answers_after = Duration::ZERO);
    assert_eq!(rig.found(&Who::Anonymous, "tune").await.len(), 1);
}

#[tokio::test]
async fn a_tombstone_of_another_writer_keeps_late_facts_out() {
    let (rig, facts) = filled(1).await;
    let kind = segue_ports::index::Kind::Song;
    let delete = Write::Delete { kind, id: facts[0].id.to_string(), version: 9 };
    rig.index.apply(&[delete]).await.unwrap();
    assert!(rig.found(&Who::Anonymous, "tune").await.is_empty());
    let late = facts[0].next(|song| song.title = "tune again".into());
    rig.publish(&[&late]).await;
    let other = Fact::ready("the end");
    rig.publish(&[&other]).await;
    eventually("both are applied", async || !rig.found(&Who::Anonymous, "the end").await.is_empty()).await;
    assert!(rig.found(&Who::Anonymous, "tune").await.is_empty(), "a tombstone keeps what was deleted");
}
