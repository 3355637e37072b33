//! The role on the engines of the index: tantivy in a folder, and OpenSearch where `SEGUE_TEST_OPENSEARCH` names one
//! (`http://host:port`).

use crate::{memory_index::MemoryIndex, rig::*};
use segue_domain::{EventId, UserId};
use segue_index::{OpenSearch, OpenSearchConfig, Tantivy, TantivyConfig};
use segue_ports::index::{Index, Kind, Write};
use segue_proto::{
    search::v1::{DifferenceKind, SearchRequest},
    song::v1::Visibility,
};
use std::{future::Future, sync::Arc};

/// Runs a scenario on every engine, each with an index of its own.
async fn everywhere<F: Future<Output = ()>>(scenario: impl Fn(Rig, Arc<dyn Index>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let tantivy = Tantivy::open(folder.path().join("index"), TantivyConfig::default()).await.unwrap();
    on("tantivy", Arc::new(tantivy), &scenario).await;

    let _ = rustls::crypto::ring::default_provider().install_default();
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let url = std::env::var("SEGUE_TEST_OPENSEARCH").ok();
    let Some(url) = url else {
        eprintln!("SEGUE_TEST_OPENSEARCH is not set: OpenSearch is not tested here");
        return;
    };
    let prefix = format!("t{}", EventId::new().to_string().replace('-', ""));
    let cluster = OpenSearch::new(OpenSearchConfig::new(&url, &prefix)).unwrap();
    on("OpenSearch", Arc::new(cluster), &scenario).await;
    remove(&url, &prefix).await;
}

async fn on<F: Future<Output = ()>>(
    name: &str,
    engine: Arc<dyn Index>,
    scenario: &impl Fn(Rig, Arc<dyn Index>) -> F,
) {
    eprintln!("engine: {name}");
    let config = segue_search::SearchConfig { query_timeout_ms: 5_000, ..config() };
    let rig = Rig::on(engine.clone(), MemoryIndex::default(), config).await;
    // The role does it too; here so that the first question does not come before.
    assert!(engine.prepare().await.unwrap(), "a new index wants to be filled");
    scenario(rig, engine).await;
}

/// Leaves nothing of a test in the cluster.
async fn remove(url: &str, prefix: &str) {
    let client = reqwest::Client::new();
    let indexes = client.get(format!("{url}/segue-{prefix}*/_alias")).send().await.unwrap();
    let indexes: serde_json::Value = indexes.json().await.unwrap();
    for name in indexes.as_object().unwrap().keys() {
        client.delete(format!("{url}/{name}")).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_new_index_is_filled_follows_and_is_compared() {
    everywhere(async |mut rig, index| {
        let owner = UserId::new();
        let old: Vec<Fact> = (0..120).map(|n| Fact::ready(&format!("oldie number {n}"))).collect();
        old.iter().for_each(|fact| rig.songs.insert(fact.row()));
        rig.run();
        eventually("what was there is found", async || rig.found(&Who::Anonymous, "oldie").await.len() == 50)
            .await;

        let public = Fact::ready("Jóga");
        let private = Fact { owner, visibility: Visibility::Private, ..Fact::ready("Bachelorette") };
        for fact in [&public, &private] {
            rig.songs.insert(fact.row());
            rig.publish(&[fact]).await;
        }
        eventually("new ones are found", async || rig.found(&Who::Anonymous, "joga").await == ["Jóga"]).await;
        eventually("and by the owner", async || rig.found(&Who::user(owner), "bachelor").await.len() == 1)
            .await;
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
        // A rebuild keeps tombstones, so that late facts raise nothing; a newer version rises above one.
        rig.songs.insert(public.next(|_| ()).next(|_| ()).row());
        assert_eq!(rig.rebuild().await.unwrap().last().unwrap().songs, 121);
        assert!(rig.verify().await.unwrap().iter().all(|message| message.difference.is_none()));
        rig.stop().await;
    })
    .await;
}

#[tokio::test]
async fn pages_hold_every_answer_once() {
    everywhere(async |mut rig, _| {
        let facts: Vec<Fact> = (0..60).map(|n| Fact::ready(&format!("tune {n}"))).collect();
        facts.iter().for_each(|fact| rig.songs.insert(fact.row()));
        rig.run();
        eventually("all are found", async || rig.found(&Who::Anonymous, "tune").await.len() == 50).await;
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                SearchRequest { query: "tune".into(), page_size: 7, page_token, ..Default::default() };
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
    })
    .await;
}
