//! A worker that dies at any named point of its way: the job runs again and succeeds once.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack},
};
use segue_proto::encoder::v1::EncodingState;
use std::sync::Mutex;

/// Where the next worker dies. Only the test below uses it.
static DIES_AT: Mutex<Option<&'static str>> = Mutex::new(None);

/// Everything behind the point is not done: the task that would do it is gone.
fn die(point: &'static str) {
    let hit = DIES_AT.lock().unwrap().take_if(|wanted| *wanted == point).is_some();
    assert!(!hit, "dies at {point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_dies_at_any_point_succeeds_once() {
    let stack = Stack::start(Set { crash: die, ..Set::default() }).await;
    for point in ["job-taken", "segment-put", "before-manifest", "after-manifest", "before-ack"] {
        *DIES_AT.lock().unwrap() = Some(point);
        let original = Original::store(&stack, &wav(3));
        original.publish(&stack).await;
        let encoding = stack.wait_for(&original, EncodingState::Succeeded).await;
        // One worker: when the next job is done, every delivery of this one is answered.
        let next = Original::store(&stack, b"not audio");
        next.publish(&stack).await;
        stack.failure(&next).await;
        assert_eq!(*DIES_AT.lock().unwrap(), None, "{point} was hit");
        assert_eq!(
            stack.told_kinds(&original).await,
            ["encoding.started.v1", "encoding.succeeded.v1"],
            "{point}"
        );
        let manifest = format!("media/{}/{}/manifest.json", original.song, encoding.output_id);
        assert!(!stack.blob.bytes(&manifest).is_empty(), "{point}");
        assert_eq!(encoding.attempts, if point == "before-ack" { 1 } else { 2 }, "{point}");
    }
    assert!(stack.dead_letters().await.is_empty());
}
