//! The suite on the embedded engine, and what only it can suffer.

use futures::future::BoxFuture;
use segue_domain::{UserId, Visibility};
use segue_index::{Tantivy, TantivyConfig};
use segue_ports::{
    contract::index::Engine,
    index::{Document, Index, Kind, Query, Viewer, Write},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

struct Folder {
    index: Option<Tantivy>,
    folder: tempfile::TempDir,
}

fn config() -> TantivyConfig {
    TantivyConfig { pace: Duration::from_millis(1), ..TantivyConfig::default() }
}

async fn open(folder: &tempfile::TempDir) -> Tantivy {
    Tantivy::open(folder.path().join("index"), config()).await.expect("the index opens")
}

#[async_trait::async_trait]
impl Engine for Folder {
    fn index(&self) -> Arc<dyn Index> {
        Arc::new(self.index.clone().expect("open"))
    }
    async fn reopen(&mut self) {
        self.index = None;
        self.index = Some(open(&self.folder).await);
    }
    async fn end(self: Box<Self>) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_what_an_index_does() {
    let make = || -> BoxFuture<'static, Box<dyn Engine>> {
        Box::pin(async {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let index = Some(open(&folder).await);
            Box::new(Folder { index, folder }) as Box<dyn Engine>
        })
    };
    segue_ports::contract::index::run(make).await;
}

fn song(id: &str, title: &str) -> Write {
    Write::Put(Box::new(Document {
        title: title.to_owned(),
        artists: vec!["Artist".to_owned()],
        year: 1999,
        ..Document::new(Kind::Song, id, 1, UserId::new(), Visibility::Public)
    }))
}

async fn count(index: &Tantivy, text: &str) -> usize {
    let text = text.to_owned();
    let query = Query { text, kinds: vec![Kind::Song], viewer: Viewer::Anonymous, limit: 200, after: None };
    index.search(&query).await.expect("searched").hits.len()
}

/// An index with a hundred songs, filled by a rebuild, synced and closed.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index = open(&folder).await;
    let mut new = index.rebuild().await.expect("begun");
    for n in 0..10 {
        let songs: Vec<Write> = (0..10).map(|m| song(&format!("{n}{m}"), "Lasting Song")).collect();
        new.apply(&songs).await.expect("applied");
    }
    new.finish().await.expect("finished");
    assert!(!index.prepare().await.expect("prepared"));
    folder
}

/// Files of the index that answers.
fn files(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let of = |path: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
    };
    let live = of(&folder.path().join("index")).into_iter().find(|path| path.is_dir()).expect("an index");
    of(&live)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_is_moved_aside_and_wants_a_rebuild() {
    type Damage = fn(&Path);
    let truncate: Damage = |path| std::fs::write(path, b"").expect("written");
    let flip: Damage = |path| {
        let mut bytes = std::fs::read(path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(path, bytes).expect("written");
    };
    let remove: Damage = |path| std::fs::remove_file(path).expect("removed");
    for (extension, damage) in
        [("term", flip), ("store", flip), ("fast", truncate), ("idx", remove), ("json", truncate)]
    {
        let folder = filled().await;
        // The folder is free when the writer has ended.
        drop(open(&folder).await);
        let hit = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default();
            path.extension().is_some_and(|e| e == extension) && name != ".managed.json"
        };
        damage(files(&folder).iter().find(hit).expect("such a file"));
        let index = open(&folder).await;
        assert!(index.prepare().await.expect("prepared"), "{extension}");
        assert!(folder.path().join("index/damaged").is_dir(), "{extension}");
        assert_eq!(count(&index, "lasting").await, 0);
        let mut new = index.rebuild().await.expect("begun");
        new.apply(&[song("1", "Lasting Song")]).await.expect("applied");
        new.finish().await.expect("finished");
        assert!(!index.prepare().await.expect("prepared"));
        assert_eq!(count(&index, "lasting").await, 1);
    }
    let folder = filled().await;
    drop(open(&folder).await);
    std::fs::write(folder.path().join("index/current.json"), b"{").expect("written");
    assert!(open(&folder).await.prepare().await.expect("prepared"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_schema_answers_until_it_is_rebuilt() {
    let folder = filled().await;
    drop(open(&folder).await);
    let current = folder.path().join("index/current.json");
    let json = std::fs::read_to_string(&current).expect("read").replace("\"schema\":2", "\"schema\":0");
    std::fs::write(&current, json).expect("written");
    let index = open(&folder).await;
    assert!(index.prepare().await.expect("prepared"));
    assert_eq!(count(&index, "lasting").await, 100);
    index.rebuild().await.expect("begun").finish().await.expect("finished");
    assert!(!index.prepare().await.expect("prepared"));
    assert_eq!(count(&index, "lasting").await, 0);
}

/// A copy of a running index, at a moment when it is left alone: a kill stops everything at once, and copying does not.
async fn copied(folder: &tempfile::TempDir) -> tempfile::TempDir {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let copy = tempfile::tempdir().expect("a temporary folder");
        let from = folder.path().join("index");
        let cp = std::process::Command::new("cp").arg("-a").arg(from).arg(copy.path()).output();
        // Fails when a file that is not used any more goes away meanwhile.
        if cp.expect("cp is there").status.success() {
            return copy;
        }
    }
    panic!("the folder of the index is never at rest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_of_the_process_loses_nothing_and_one_of_the_machine_is_noticed() {
    let folder = filled().await;
    let index = open(&folder).await;
    index.apply(&[song("new", "Unsynced Song")]).await.expect("applied");
    // What another process would see that came after a kill, and after a power cut.
    for (boot, rebuild) in [(None, false), (Some("another boot"), true)] {
        let copy = copied(&folder).await;
        let mark = copy.path().join("index/unsynced");
        assert!(mark.exists(), "what is not synced is marked");
        if let Some(boot) = boot {
            std::fs::write(&mark, boot).expect("written");
        }
        let index = open(&copy).await;
        assert_eq!(index.prepare().await.expect("prepared"), rebuild);
        assert_eq!(count(&index, "unsynced").await, 1);
        assert_eq!(count(&index, "lasting").await, 100);
    }
    index.sync().await.expect("synced");
    assert!(!folder.path().join("index/unsynced").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_write_while_many_search() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index = open(&folder).await;
    let writer = |n: usize| {
        let index = index.clone();
        tokio::spawn(async move {
            for m in 0..25 {
                index.apply(&[song(&format!("{n}-{m}"), "Common Song")]).await.expect("applied");
            }
        })
    };
    let writers: Vec<_> = (0..8).map(writer).collect();
    let mut last = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let found = count(&index, "common").await;
        assert!(found >= last, "what was found stays found");
        last = found;
    }
    for writer in writers {
        writer.await.expect("a writer ends");
    }
    assert_eq!(count(&index, "common").await, 200);
}
