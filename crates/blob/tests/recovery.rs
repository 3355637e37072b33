//! What is there after the process died at a bad moment. A panic at a crash point leaves the folder as a kill would.

#[path = "served/client.rs"]
mod client;
#[path = "served/served.rs"]
mod served;

use bytes::Bytes;
use client::Client;
use futures::TryStreamExt;
use segue_blob::{CrashPoint, Directory};
use segue_domain::{Clock, ObjectName, SystemClock};
use segue_ports::{
    blob::{Access, BlobError, BlobStore, Condition},
    contract::blob::Http,
};
use served::{Served, config, serve};
use std::{path::Path, sync::Arc, time::Duration};

const IDS: [&str; 2] = ["MDA=", "MDE="];

fn object() -> ObjectName {
    "originals/a/b".parse().expect("a name")
}
fn ids() -> Vec<String> {
    IDS.map(str::to_owned).to_vec()
}

async fn open(folder: &Path, crash: CrashPoint) -> Served {
    let mut config = config(folder);
    config.crash = crash;
    serve(config).await
}

/// Opens the folder again after a death.
async fn reopen(served: Served, folder: &Path) -> Served {
    served.stop().await;
    // The kernel frees the lock with the last task of the old engine.
    for _ in 0..200 {
        if Directory::open(config(folder), Arc::new(SystemClock)).await.is_ok() {
            return open(folder, |_| {}).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the folder stays locked");
}

async fn put_block(served: &Served, n: usize, text: &str) -> u16 {
    let expires = SystemClock.now().plus(Duration::from_secs(600));
    let access = Access::Upload { max_bytes: 1000 };
    let url = served.directory.sign(&object(), access, expires, &served.origin).await.expect("a url");
    let url = format!("{url}&comp=block&blockid={}", IDS[n]);
    Client::new().send("PUT", &url, &[], Bytes::from(text.to_owned())).await.status
}

async fn text(served: &Served) -> String {
    let body = served.directory.get(&object(), None, None).await.expect("an object").body;
    let pieces: Vec<Bytes> = body.try_collect().await.expect("bytes");
    String::from_utf8(pieces.concat()).expect("text")
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|p| if p.is_dir() { files_below(&p) } else { 1 })
        .sum()
}

/// Nothing is left of what was under way, and there are so many blocks and parts.
async fn assert_clean(folder: &Path, staged: usize, parts: usize) {
    let counts = || ["pending", "tmp", "staging", "versions"].map(|name| files_below(&folder.join(name)));
    for _ in 0..200 {
        if counts() == [0, 0, staged, parts] {
            return;
        }
        // What is out of sight is removed in the background.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(counts(), [0, 0, staged, parts], "pending, tmp, staging, versions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_block_outlives_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |point| assert_ne!(point, "blob-block-fsynced")).await;
    assert_eq!(put_block(&served, 0, "one").await, 503, "dies before the answer");
    let served = reopen(served, folder.path()).await;
    let list = served.directory.block_list(&object()).await.expect("a list");
    assert_eq!((list.uncommitted.len(), list.uncommitted[0].size), (1, 3));
    assert_clean(folder.path(), 1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_died_on_the_way_never_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |point| assert_ne!(point, "blob-blocks-linked")).await;
    assert_eq!(put_block(&served, 0, "one").await, 201);
    assert_eq!(put_block(&served, 1, "two").await, 201);
    let died = served.directory.commit(&object(), &ids(), "a/b", Condition::Always).await;
    assert!(matches!(died, Err(BlobError::Unavailable(_))), "{died:?}");
    assert!(files_below(&folder.path().join("versions")) > 0, "it died in the middle");
    let served = reopen(served, folder.path()).await;
    assert_clean(folder.path(), 2, 0).await;
    assert!(matches!(served.directory.head(&object()).await, Err(BlobError::NotFound(_))));
    served.directory.commit(&object(), &ids(), "a/b", Condition::IfAbsent).await.expect("no block is lost");
    assert_eq!(text(&served).await, "onetwo");
    assert_clean(folder.path(), 0, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_died_before_its_answer_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |point| assert_ne!(point, "blob-list-committed")).await;
    assert_eq!(put_block(&served, 0, "one").await, 201);
    assert_eq!(put_block(&served, 1, "two").await, 201);
    assert!(served.directory.commit(&object(), &ids(), "a/b", Condition::Always).await.is_err());
    let served = reopen(served, folder.path()).await;
    assert_clean(folder.path(), 0, 2).await;
    assert_eq!(text(&served).await, "onetwo");
    assert_eq!(served.directory.block_list(&object()).await.expect("a list").uncommitted, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_died_before_its_answer_replaces_the_old_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |point| assert_ne!(point, "blob-put-done")).await;
    assert_eq!(put_block(&served, 0, "one").await, 201);
    served.directory.commit(&object(), &ids()[..1], "a/b", Condition::Always).await.expect("a commit");
    assert_eq!(put_block(&served, 1, "two").await, 201);
    assert!(served.directory.put(&object(), "a/b", "new".into(), Condition::Always).await.is_err());
    let served = reopen(served, folder.path()).await;
    assert_clean(folder.path(), 0, 0).await;
    assert_eq!(text(&served).await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_written_files_are_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |_| {}).await;
    served.directory.put(&object(), "a/b", "kept".into(), Condition::Always).await.expect("a put");
    std::fs::write(folder.path().join("tmp/half"), "half an ob").expect("written");
    std::fs::write(folder.path().join("pending/0198c0ffee0198c0ffee0198c0ffee01"), "{\"obj")
        .expect("written");
    std::fs::write(folder.path().join("pending/odd"), "").expect("written");
    let served = reopen(served, folder.path()).await;
    assert_clean(folder.path(), 0, 0).await;
    assert_eq!(text(&served).await, "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_an_error_and_not_wrong_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = open(folder.path(), |_| {}).await;
    served.directory.put(&object(), "a/b", "kept".into(), Condition::Always).await.expect("a put");
    let path = folder.path().join("objects/originals/a/b~");
    let bytes = std::fs::read(&path).expect("the object's file");
    for damaged in [&bytes[1..], &bytes[..bytes.len() - 1], &[][..], &b"xxxxxxxxxxxxSEGOBJ1\n"[..]] {
        std::fs::write(&path, damaged).expect("written");
        assert!(matches!(served.directory.head(&object()).await, Err(BlobError::Unavailable(_))));
    }
}

#[tokio::test]
async fn one_process_has_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let _served = open(folder.path(), |_| {}).await;
    let second = Directory::open(config(folder.path()), Arc::new(SystemClock)).await.expect_err("refused");
    assert!(second.to_string().contains("in use"), "{second}");
}
