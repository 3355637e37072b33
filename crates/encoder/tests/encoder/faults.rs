//! Children that die, engines that are away, processes that end.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack, script, until, worker},
};
use segue_encoder::{EncoderConfig, WorkerCommand};
use segue_proto::encoder::v1::EncodingState;
use std::{
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

async fn parked(worker: WorkerCommand, config: EncoderConfig, told: &str) {
    let stack = Stack::start(Set { worker, config, ..Set::default() }).await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    assert_eq!(stack.failure(&original).await, "PARKED");
    assert_eq!(stack.encoding(&original).await.unwrap().attempts, 3);
    assert_eq!(stack.told_kinds(&original).await, ["encoding.started.v1", "encoding.failed.v1"]);
    assert!(original.media(&stack).is_empty());
    for _ in 0..500 {
        if !stack.dead_letters().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let dead = stack.dead_letters().await;
    assert_eq!((dead.len(), dead[0].failures), (1, 3));
    assert!(dead[0].reason.contains(told), "{}", dead[0].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_child_is_killed_three_times_is_parked() {
    parked(script("echo out of memory >&2; kill -9 $$"), Set::default().config, "signal 9): out of memory")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_talks_garbage_is_a_failure() {
    parked(script("echo garbage; exec sleep 600"), Set::default().config, "sent no frame").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_ends_silently_is_a_failure() {
    parked(script("exit 0"), Set::default().config, "without an answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_takes_too_long_is_a_failure() {
    let config = EncoderConfig { wall_limit_s: 1, ..Set::default().config };
    parked(script("exec sleep 600"), config, "longer than 1 s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_outside_the_output_folder_is_a_failure() {
    // Object, 14 bytes: name "../x.mp4", type "a/b", one byte.
    let frame = r"\002\016\000\000\000\010../x.mp4\003a/b!";
    parked(script(&format!("printf '{frame}'; exec sleep 600")), Set::default().config, "is not allowed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_while_the_blob_store_is_away() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(1));
    stack.blob.away.store(true, Ordering::SeqCst);
    original.publish(&stack).await;
    until("more tries than a job has failures", || stack.blob.refused.load(Ordering::SeqCst) > 4).await;
    assert_eq!(stack.encoding(&original).await.unwrap().state(), EncodingState::Running);
    stack.blob.away.store(false, Ordering::SeqCst);
    stack.wait_for(&original, EncodingState::Succeeded).await;
    assert!(stack.dead_letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_under_way_at_shutdown_is_given_back_and_done_by_the_next_process() {
    let mut stack = Stack::start(Set { worker: script("exec sleep 600"), ..Set::default() }).await;
    let original = Original::store(&stack, &wav(1));
    original.publish(&stack).await;
    stack.wait_for(&original, EncodingState::Running).await;
    let stopping = Instant::now();
    stack.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(5), "nobody waits for the child");
    stack.start_again(worker());
    stack.wait_for(&original, EncodingState::Succeeded).await;
    assert!(stack.dead_letters().await.is_empty());
}

#[test]
fn the_child_alone_says_who_starts_it() {
    let output = Command::new(worker().program).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("started by the encoder role"), "{said}");
}
