//! The suite on OpenSearch, and what only many processes can do to each other. Needs a cluster:
//! `SEGUE_TEST_OPENSEARCH=http://host:port`. Every test has indexes of its own, and removes them.

use futures::future::BoxFuture;
use segue_domain::{UserId, Visibility};
use segue_index::{OpenSearch, OpenSearchConfig};
use segue_ports::{
    contract::index::Engine,
    index::{Document, Index, IndexError, Kind, Query, Viewer, Write},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The cluster to test with.
fn cluster() -> Option<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let url = std::env::var("SEGUE_TEST_OPENSEARCH").ok();
    if url.is_none() {
        eprintln!("SEGUE_TEST_OPENSEARCH is not set: OpenSearch is not tested here");
    }
    url
}

struct Cluster {
    url: String,
    prefix: String,
    index: Arc<OpenSearch>,
}

impl Cluster {
    fn new(url: &str) -> Self {
        let prefix = format!("t{}", uuid::Uuid::new_v4().simple());
        Self { url: url.to_owned(), index: client(url, &prefix), prefix }
    }

    /// The client of another process.
    fn another(&self) -> Arc<OpenSearch> {
        client(&self.url, &self.prefix)
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/{path}", self.url);
        let request = reqwest::Client::new().request(method, url).header("content-type", "application/json");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = request.body(body).send().await.expect("the cluster answers");
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON")
    }

    /// Names of the indexes of this test.
    async fn indexes(&self) -> Vec<String> {
        let path = format!("segue-{}*/_alias", self.prefix);
        let indexes = self.call(reqwest::Method::GET, &path, None).await;
        indexes.as_object().expect("indexes").keys().cloned().collect()
    }
}

fn client(url: &str, prefix: &str) -> Arc<OpenSearch> {
    Arc::new(OpenSearch::new(OpenSearchConfig::new(url, prefix)).expect("a client"))
}

#[async_trait::async_trait]
impl Engine for Cluster {
    fn index(&self) -> Arc<dyn Index> {
        self.index.clone()
    }
    async fn reopen(&mut self) {
        self.index = self.another();
    }
    async fn end(self: Box<Self>) {
        for index in self.indexes().await {
            self.call(reqwest::Method::DELETE, &index, None).await;
        }
    }
}

fn song(id: &str, version: u64) -> Write {
    Write::Put(Box::new(Document {
        title: "Shared Song".to_owned(),
        ..Document::new(Kind::Song, id, version, UserId::new(), Visibility::Public)
    }))
}

async fn ids(index: &OpenSearch) -> Vec<String> {
    index.refresh().await.expect("refreshed");
    let scan = index.scan(Kind::Song, None, 1000).await.expect("scanned");
    scan.documents.into_iter().map(|document| document.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_what_an_index_does() {
    let Some(url) = cluster() else { return };
    let make = || -> BoxFuture<'static, Box<dyn Engine>> {
        let url = url.clone();
        Box::pin(async move { Box::new(Cluster::new(&url)) as Box<dyn Engine> })
    };
    segue_ports::contract::index::run(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_prepared_by_processes_at_once_and_made_once() {
    let Some(url) = cluster() else { return };
    let test = Box::new(Cluster::new(&url));
    let clients: Vec<_> = (0..6).map(|_| test.another()).collect();
    for prepared in futures::future::join_all(clients.iter().map(|client| client.prepare())).await {
        assert!(prepared.expect("prepared"));
    }
    assert_eq!(test.indexes().await.len(), 1);
    test.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_other_processes_reach_an_index_that_is_being_built() {
    let Some(url) = cluster() else { return };
    let test = Box::new(Cluster::new(&url));
    let (other, builder) = (test.another(), test.another());
    other.prepare().await.expect("prepared");
    other.apply(&[song("before", 1)]).await.expect("applied");
    // The other process writes all the time, and notes when each write began.
    let writer = tokio::spawn({
        let other = other.clone();
        async move {
            let mut written = Vec::new();
            for n in 0..400 {
                let (id, begun) = (format!("{n:03}"), std::time::Instant::now());
                other.apply(&[song(&id, 1)]).await.expect("applied, whatever is swapped");
                written.push((id, begun));
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            written
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let mut new = builder.rebuild().await.expect("begun");
    let begun = std::time::Instant::now();
    assert!(
        matches!(other.rebuild().await.map(drop), Err(IndexError::Rebuilding)),
        "one at a time, anywhere"
    );
    new.apply(&[song("row", 1)]).await.expect("applied");
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    new.finish().await.expect("finished");
    let written = writer.await.expect("the writer ends");
    let there = ids(&other).await;
    assert!(!there.contains(&"before".to_owned()), "the new index answers");
    let missing: Vec<_> =
        written.iter().filter(|(id, at)| *at > begun && !there.contains(id)).map(|(id, _)| id).collect();
    assert!(missing.is_empty(), "missing {missing:?}");
    assert!(written.iter().any(|(_, at)| *at < begun) && written.iter().any(|(_, at)| *at > begun));
    assert_eq!(test.indexes().await.len(), 1, "the old one is gone");
    assert!(!other.prepare().await.expect("prepared"));
    test.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_with_another_mapping_wants_a_rebuild_and_is_replaced() {
    let Some(url) = cluster() else { return };
    for name in ["segue-PREFIX-foreign", "segue-PREFIX"] {
        let test = Box::new(Cluster::new(&url));
        let (name, alias) = (name.replace("PREFIX", &test.prefix), format!("segue-{}", test.prefix));
        let aliases = if name == alias { json!({}) } else { json!({alias.as_str(): {}}) };
        let body = json!({"aliases": aliases, "mappings": {"properties": {"title": {"type": "integer"}}}});
        test.call(reqwest::Method::PUT, &name, Some(body)).await;
        assert!(test.index.prepare().await.expect("prepared"), "{name}");
        let query = Query {
            text: "shared".to_owned(),
            kinds: Vec::new(),
            viewer: Viewer::Everything,
            limit: 10,
            after: None,
        };
        let _ = test.index.search(&query).await;
        let mut new = test.index.rebuild().await.expect("begun");
        new.apply(&[song("row", 1)]).await.expect("applied");
        new.finish().await.expect("finished");
        assert!(!test.index.prepare().await.expect("prepared"), "{name}");
        assert_eq!(ids(&test.index).await, ["row"]);
        assert_eq!(test.index.search(&query).await.expect("searched").hits.len(), 1);
        test.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshes_do_not_wait_for_merges() {
    let Some(url) = cluster() else { return };
    let cluster = Cluster::new(&url);
    cluster.index.prepare().await.unwrap();
    cluster.index.rebuild().await.unwrap().finish().await.unwrap();
    let path = format!("segue-{}*/_settings", cluster.prefix);
    let indexes = cluster.call(reqwest::Method::GET, &path, None).await;
    let (_, index) = indexes.as_object().and_then(|all| all.iter().next()).expect("one index");
    assert_eq!(index["settings"]["index"]["merge_on_flush"]["enabled"], json!("false"));
    Box::new(cluster).end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_of_a_dead_process_is_cleared_away() {
    let Some(url) = cluster() else { return };
    let test = Box::new(Cluster::new(&url));
    test.index.prepare().await.expect("prepared");
    let dead = test.another();
    let rebuild = dead.rebuild().await.expect("begun");
    assert!(matches!(test.index.rebuild().await.map(drop), Err(IndexError::Rebuilding)));
    // As if its lease had run out long ago.
    drop(rebuild);
    let alias = format!("segue-{}-building", test.prefix);
    let meta = json!({"_meta": {"schema": 1, "filled": false, "holder": "dead", "renewed": 1}});
    test.call(reqwest::Method::PUT, &format!("{alias}/_mapping"), Some(meta)).await;
    let new = test.index.rebuild().await.expect("another begins");
    new.finish().await.expect("finished");
    assert_eq!(test.indexes().await.len(), 1);
    test.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_unavailable_while_the_cluster_is_away() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // Takes connections and says nothing.
    let silent = client(&format!("http://127.0.0.1:{port}"), "away");
    let query =
        Query { text: "x".to_owned(), kinds: Vec::new(), viewer: Viewer::Everything, limit: 10, after: None };
    let begin = std::time::Instant::now();
    assert!(matches!(silent.search(&query).await, Err(IndexError::Unavailable(_))));
    assert!(begin.elapsed() < std::time::Duration::from_secs(5), "a search ends in time");
    drop(listener);
    let refused = client(&format!("http://127.0.0.1:{port}"), "away");
    assert!(matches!(refused.search(&query).await, Err(IndexError::Unavailable(_))));
    assert!(matches!(refused.apply(&[song("1", 1)]).await, Err(IndexError::Unavailable(_))));
    assert!(matches!(refused.prepare().await, Err(IndexError::Unavailable(_))));
}
