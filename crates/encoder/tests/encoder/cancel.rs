//! Encodings that nobody wants any more.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack, script, until, user},
};
use segue_ports::bus::Bus;
use segue_proto::encoder::v1::{CancelEncodingRequest, Encoding, EncodingState};
use std::path::{Path, PathBuf};
use tonic::Status;

async fn cancel(stack: &Stack, original: &Original) -> Result<Encoding, Status> {
    let request = CancelEncodingRequest {
        encoding_id: original.encoding.to_string(),
        song_id: original.song.to_string(),
    };
    let answer = stack.client(user(original.owner)).cancel_encoding(request).await?;
    Ok(answer.into_inner().encoding.unwrap())
}

/// A child that says its process id and then does nothing.
async fn sleeping() -> (Stack, tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let text = format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", file.display());
    let stack = Stack::start(Set { worker: script(&text), ..Set::default() }).await;
    (stack, folder, file)
}

async fn started(file: &Path) -> PathBuf {
    until("the child runs", || file.exists()).await;
    let process = Path::new("/proc").join(std::fs::read_to_string(file).unwrap().trim());
    assert!(process.exists());
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_kills_the_child_and_is_told_once() {
    let (stack, _folder, file) = sleeping().await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    let process = started(&file).await;
    for _ in 0..2 {
        let encoding = cancel(&stack, &original).await.unwrap();
        assert_eq!((encoding.state(), &*encoding.failure_reason), (EncodingState::Failed, "CANCELLED"));
    }
    until("the child is dead", || !process.exists()).await;
    assert_eq!(stack.told_kinds(&original).await, ["encoding.started.v1", "encoding.failed.v1"]);
    assert!(stack.dead_letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_is_cancelled_before_it_begins() {
    let (stack, _folder, file) = sleeping().await;
    let (first, second) = (Original::store(&stack, &wav(1)), Original::store(&stack, &wav(1)));
    first.publish(&stack).await;
    started(&file).await;
    second.publish(&stack).await;
    stack.wait_for(&second, EncodingState::Queued).await;
    cancel(&stack, &second).await.unwrap();
    cancel(&stack, &first).await.unwrap();
    let third = Original::store(&stack, &wav(1));
    third.publish(&stack).await;
    stack.wait_for(&third, EncodingState::Running).await;
    assert_eq!(stack.encoding(&second).await.unwrap().attempts, 0);
    assert_eq!(stack.told_kinds(&second).await, ["encoding.failed.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_child_is_killed_when_the_song_is_deleted() {
    let (stack, _folder, file) = sleeping().await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    let process = started(&file).await;
    stack.songs.owners.lock().unwrap().clear();
    stack.bus.publish(vec![original.deleted()]).await.unwrap();
    until("the child is dead", || !process.exists()).await;
    assert_eq!(stack.failure(&original).await, "CANCELLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_song_is_never_published() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(60));
    original.publish(&stack).await;
    until("objects are stored", || original.media(&stack).len() > 3).await;
    stack.songs.owners.lock().unwrap().clear();
    assert_eq!(stack.failure(&original).await, "CANCELLED");
    until("nothing is left", || original.media(&stack).is_empty()).await;
    assert_eq!(stack.told_kinds(&original).await, ["encoding.started.v1", "encoding.failed.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_cannot_be_cancelled() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    stack.wait_for(&original, EncodingState::Succeeded).await;
    let refused = cancel(&stack, &original).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(!original.media(&stack).is_empty());
}
