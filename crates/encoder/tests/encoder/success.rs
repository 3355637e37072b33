//! Good songs.

use crate::{
    original::{Original, wav},
    stack::{Set, Stack, user},
};
use futures::StreamExt;
use segue_domain::ObjectName;
use segue_encoder::EncoderConfig;
use segue_media::Manifest;
use segue_proto::{
    encoder::v1::{EncodingState, WatchEncodingRequest},
    event::v1::event::Data,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_song_becomes_objects_with_the_manifest_last_and_one_fact() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(14));
    original.publish(&stack).await;
    let encoding = stack.wait_for(&original, EncodingState::Succeeded).await;
    assert_eq!((encoding.percent, encoding.attempts), (100, 1));

    let output = encoding.output_id.parse().unwrap();
    let prefix = ObjectName::output_prefix(original.song, output);
    let stored = stack.blob.stored.lock().unwrap().clone();
    assert!(stored.iter().all(|name| name.starts_with(&prefix)), "{stored:?}");
    assert_eq!(stored.last(), Some(&format!("{prefix}manifest.json")));
    let first_playlist = stored.iter().position(|name| name.ends_with(".m3u8")).unwrap();
    assert!(stored[first_playlist..stored.len() - 1].iter().all(|n| n.ends_with(".m3u8")), "{stored:?}");

    let manifest: Manifest =
        serde_json::from_slice(&stack.blob.bytes(&format!("{prefix}manifest.json"))).unwrap();
    assert_eq!((manifest.samples, manifest.song.clone()), (14 * 44_100, original.song.to_string()));
    for rung in &manifest.rungs {
        for object in rung.segments.iter().map(|s| &s.object).chain([&rung.init]) {
            assert_eq!(stack.blob.bytes(&format!("{prefix}{}", object.name)).len() as u64, object.bytes);
        }
    }

    let told = stack.told(&original).await;
    let kinds: Vec<_> = told.iter().map(|e| (e.r#type.as_str(), e.sequence)).collect();
    assert_eq!(kinds, [("encoding.started.v1", 1), ("encoding.succeeded.v1", 2)]);
    let Some(Data::EncodingSucceeded(fact)) = &told[1].data else { panic!("{told:?}") };
    assert_eq!((fact.duration_ms, fact.sample_rate, fact.channels), (14_000, 44_100, 2));
    assert_eq!(
        (fact.output_id.as_str(), fact.owner_id.clone()),
        (&*encoding.output_id, original.owner.to_string())
    );
    let rungs: Vec<_> = fact.rungs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(rungs, ["aac-64", "aac-128", "aac-256", "flac"]);
    assert!(fact.rungs.iter().all(|r| r.bytes > 10_000 && r.bandwidth >= r.average_bandwidth));
    let total: usize = stored.iter().map(|name| stack.blob.bytes(name).len()).sum();
    assert_eq!(fact.total_bytes, total as u64);
    assert!(fact.loudness_lufs.is_some_and(|l| (-30.0..0.0).contains(&l)), "{fact:?}");

    assert!(std::fs::read_dir(&stack.spool).unwrap().next().is_none(), "the spool is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_the_percentage_rise_and_then_the_end() {
    let stack = Stack::start(Set::default()).await;
    let original = Original::store(&stack, &wav(240));
    original.publish(&stack).await;
    while stack.encoding(&original).await.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let request = WatchEncodingRequest {
        encoding_id: original.encoding.to_string(),
        song_id: original.song.to_string(),
    };
    let stream = stack.client(user(original.owner)).watch_encoding(request).await.unwrap().into_inner();
    let seen: Vec<_> = stream.map(|item| item.unwrap().encoding.unwrap()).collect().await;
    let percents: Vec<_> = seen.iter().map(|e| e.percent).collect();
    assert!(percents.is_sorted() && percents.len() > 3, "{percents:?}");
    let last = seen.last().unwrap();
    assert_eq!((last.state(), last.percent), (EncodingState::Succeeded, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_delivered_twice_at_once_succeeds_once() {
    let config = EncoderConfig { workers: 2, ..Set::default().config };
    let stack = Stack::start(Set { config, ..Set::default() }).await;
    let original = Original::store(&stack, &wav(5));
    original.publish(&stack).await;
    original.publish(&stack).await;
    let encoding = stack.wait_for(&original, EncodingState::Succeeded).await;
    let prefix = ObjectName::output_prefix(original.song, encoding.output_id.parse().unwrap());
    // The one that lost removes what it made.
    let only = || original.media(&stack).iter().all(|name| name.starts_with(&prefix));
    crate::stack::until("the loser cleans up", only).await;
    original.publish(&stack).await;
    let other = Original::store(&stack, &wav(1));
    other.publish(&stack).await;
    stack.wait_for(&other, EncodingState::Succeeded).await;
    assert_eq!(stack.told_kinds(&original).await, ["encoding.started.v1", "encoding.succeeded.v1"]);
    assert_eq!(stack.encoding(&original).await.unwrap().output_id, encoding.output_id);
}
