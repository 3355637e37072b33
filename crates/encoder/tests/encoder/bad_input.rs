//! Originals that cannot be encoded fail at once, with a reason, and leave nothing behind.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack},
};
use prost::Message as _;
use segue_ports::{blob::BlobStore, bus::Bus};
use segue_proto::{encoder::v1::EncodingState, event::v1::Event};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_original_fails_once_with_its_reason() {
    let stack = Stack::start(Set::default()).await;
    let good = wav(2);
    let (text, cut) = (b"This is not music. ".repeat(500), &good[..good.len() / 2]);
    let mut cases = vec![
        ("NOT_AUDIO", Original::store(&stack, &text)),
        ("EMPTY_FILE", Original::store(&stack, b"")),
        ("DAMAGED_AUDIO", Original::store(&stack, cut)),
    ];
    for (reason, change) in [
        ("CHECKSUM_MISMATCH", (|o| o.sha256 = "00".repeat(32)) as fn(&mut Original)),
        ("CHECKSUM_MISMATCH", |o| o.size += 1),
        ("CHECKSUM_MISMATCH", |o| o.size -= 1),
        ("SOURCE_CHANGED", |o| o.etag = "\"another\"".into()),
    ] {
        let mut original = Original::store(&stack, &good);
        change(&mut original);
        cases.push((reason, original));
    }
    let gone = Original::store(&stack, &good);
    stack.blob.delete(&gone.object).await.unwrap();
    cases.push(("SOURCE_CHANGED", gone));

    for (reason, original) in &cases {
        original.publish(&stack).await;
        assert_eq!(stack.failure(original).await, *reason);
        let encoding = stack.encoding(original).await.unwrap();
        assert_eq!(encoding.attempts, 1, "{reason} is not tried again");
        assert_eq!(stack.told_kinds(original).await, ["encoding.started.v1", "encoding.failed.v1"]);
        assert!(original.media(&stack).is_empty(), "{reason}");
    }
    assert!(stack.dead_letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_job_becomes_a_dead_letter() {
    let stack = Stack::start(Set::default()).await;
    let mut message = Original::store(&stack, b"x").message();
    message.payload = bytes::Bytes::from_static(b"\xff\xff garbage");
    stack.bus.publish(vec![message]).await.unwrap();
    for _ in 0..500 {
        if !stack.dead_letters().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let dead = stack.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert!(dead[0].reason.contains("no event"), "{}", dead[0].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_version_waits_among_the_dead_letters() {
    let stack = Stack::start(Set::default()).await;
    let newer = Original::store(&stack, &wav(1));
    let mut message = newer.message();
    let mut event = Event::decode(message.payload.clone()).unwrap();
    event.r#type = "song.uploaded.v2".into();
    message.payload = event.encode_to_vec().into();
    stack.bus.publish(vec![message]).await.unwrap();
    let good = Original::store(&stack, &wav(1));
    good.publish(&stack).await;
    stack.wait_for(&good, EncodingState::Succeeded).await;
    let dead = async {
        while stack.dead_letters().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dead).await.expect("it is parked");
    let dead = stack.dead_letters().await;
    assert!(dead[0].reason.contains("song.uploaded.v2"), "{}", dead[0].reason);
    assert!(stack.encoding(&newer).await.is_none(), "nothing was made of it");
}
