//! The role on the embedded engine of the index.

use crate::{memory_index::MemoryIndex, rig::*};
use segue_domain::UserId;
use segue_index::{Tantivy, TantivyConfig};
use segue_ports::index::{Index, Kind, Write};
use segue_proto::{
    search::v1::{DifferenceKind, SearchRequest},
    song::v1::Visibility,
};
use std::{path::Path, sync::Arc};

async fn rig_in(folder: &Path) -> (Rig, Tantivy) {
    let index = Tantivy::open(folder, TantivyConfig::default()).await.unwrap();
    let rig = Rig::on(Arc::new(index.clone()), MemoryIndex::default(), config()).await;
    (rig, index)
}

#[tokio::test]
async fn a_new_index_is_filled_follows_and_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rig, index) = rig_in(&folder.path().join("index")).await;
    let owner = UserId::new();
    let old: Vec<Fact> = (0..120).map(|n| Fact::ready(&format!("oldie number {n}"))).collect();
    old.iter().for_each(|fact| rig.songs.insert(fact.row()));
    rig.run();
    eventually("what was there before is found", async || {
        rig.found(&Who::Anonymous, "oldie").await.len() == 50
    })
    .await;

    let public = Fact::ready("Jóga");
    let private = Fact { owner, visibility: Visibility::Private, ..Fact::ready("Bachelorette") };
    for fact in [&public, &private] {
        rig.songs.insert(fact.row());
        rig.publish(&[fact]).await;
    }
    eventually("new ones are found", async || rig.found(&Who::Anonymous, "joga").await == ["Jóga"]).await;
    eventually("and by the owner", async || rig.found(&Who::user(owner), "bachelor").await.len() == 1).await;
    assert!(rig.found(&Who::Anonymous, "bachelorette").await.is_empty());
    let said = rig.verify().await.unwrap();
    assert!(said.iter().all(|message| message.difference.is_none()), "{said:?}");
    assert_eq!(said.last().unwrap().songs, 122);

    let gone = Write::Delete { kind: Kind::Song, id: public.id.to_string(), version: public.version + 1 };
    index.apply(&[gone]).await.unwrap();
    rig.songs.remove(&old[7].id.to_string());
    rig.songs.insert(private.next(|song| song.title = "Bachelor".into()).row());
    let found = rig.verify().await.unwrap().into_iter().filter_map(|message| message.difference);
    let mut kinds: Vec<_> = found.map(|d| (d.id.clone(), d.difference_kind())).collect();
    kinds.sort();
    let mut expected = vec![
        (public.id.to_string(), DifferenceKind::Missing),
        (old[7].id.to_string(), DifferenceKind::Foreign),
        (private.id.to_string(), DifferenceKind::Stale),
    ];
    expected.sort();
    assert_eq!(kinds, expected);
    assert_eq!(rig.rebuild().await.unwrap().last().unwrap().songs, 121);
    assert!(rig.verify().await.unwrap().iter().all(|message| message.difference.is_none()));
    rig.stop().await;
}

#[tokio::test]
async fn pages_hold_every_answer_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rig, _) = rig_in(folder.path()).await;
    let facts: Vec<Fact> = (0..60).map(|n| Fact::ready(&format!("tune {n}"))).collect();
    facts.iter().for_each(|fact| rig.songs.insert(fact.row()));
    rig.run();
    eventually("all are found", async || rig.found(&Who::Anonymous, "tune").await.len() == 50).await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = SearchRequest { query: "tune".into(), page_size: 7, page_token, ..Default::default() };
        let page = rig.ask(&Who::Anonymous, request).await.unwrap();
        seen.extend(page.results.into_iter().map(|result| song(result).song_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    seen.sort_unstable();
    let mut ids: Vec<String> = facts.iter().map(|fact| fact.id.to_string()).collect();
    ids.sort_unstable();
    assert_eq!(seen, ids);
    rig.stop().await;
}
