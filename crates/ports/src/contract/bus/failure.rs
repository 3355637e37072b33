//! Work queues when handlers fail.

use super::{Engine, message, messages, next, nothing, work};
use std::time::Duration;

pub(super) async fn parks_what_fails_three_times_and_goes_on(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("poison", &["#"], 1));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..3, "a")).await.expect("published");
    let (mut attempts, mut done) = (Vec::new(), Vec::new());
    while attempts.len() < 3 || done.len() < 2 {
        let delivery = next(&mut consumer).await;
        if delivery.message().id == "id-0" {
            attempts.push((delivery.attempt(), delivery.last_attempt()));
            let reason = format!("boom {}", delivery.attempt());
            delivery.fail(&reason).await.expect("failed");
        } else {
            done.push(delivery.message().id.clone());
            delivery.ack().await.expect("acknowledged");
        }
    }
    assert_eq!(attempts, [(1, false), (2, false), (3, true)]);
    assert_eq!(done, ["id-1", "id-2"]);
    nothing(&mut consumer).await;
    let dead = bus.dead_letters("poison").await.expect("listed");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].message, message(0, "a"));
    assert_eq!((dead[0].reason.as_str(), dead[0].failures), ("boom 3", 3));
    assert_eq!(dead[0].queue, "poison");
}

pub(super) async fn waits_longer_after_each_failure(engine: Box<dyn Engine>) {
    let mut queue = work("backoff", &["#"], 1);
    queue.backoff = Duration::from_millis(150);
    let bus = engine.bus();
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..1, "a")).await.expect("published");
    let first = next(&mut consumer).await;
    let start = tokio::time::Instant::now();
    first.fail("once").await.expect("failed");
    let second = next(&mut consumer).await;
    assert!(start.elapsed() >= Duration::from_millis(145), "came back after {:?}", start.elapsed());
    let start = tokio::time::Instant::now();
    second.fail("twice").await.expect("failed");
    let third = next(&mut consumer).await;
    assert!(start.elapsed() >= Duration::from_millis(295), "came back after {:?}", start.elapsed());
    third.ack().await.expect("acknowledged");
}

pub(super) async fn counts_nothing_on_release(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("release", &["#"], 1));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..1, "a")).await.expect("published");
    for _ in 0..5 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), 1);
        let start = tokio::time::Instant::now();
        delivery.release(Duration::from_millis(60)).await.expect("released");
        let again = next(&mut consumer).await;
        assert!(start.elapsed() >= Duration::from_millis(55), "came back after {:?}", start.elapsed());
        again.release(Duration::ZERO).await.expect("released");
    }
    next(&mut consumer).await.ack().await.expect("acknowledged");
    assert_eq!(bus.dead_letters("release").await.expect("listed"), []);
}

pub(super) async fn lists_dead_letters_of_one_queue(engine: Box<dyn Engine>) {
    let (mut first, mut second) = (work("dead.first", &["#"], 1), work("dead.second", &["#"], 1));
    (first.max_failures, second.max_failures) = (1, 1);
    let bus = engine.bus();
    let mut consumers =
        [bus.consume(&first).await.expect("consumer"), bus.consume(&second).await.expect("consumer")];
    bus.publish(messages(0..2, "a")).await.expect("published");
    for (consumer, reason) in consumers.iter_mut().zip(["left", "right"]) {
        for _ in 0..2 {
            let delivery = next(consumer).await;
            assert!(delivery.last_attempt());
            delivery.fail(reason).await.expect("failed");
        }
    }
    for (queue, reason) in [("dead.first", "left"), ("dead.second", "right")] {
        let dead = bus.dead_letters(queue).await.expect("listed");
        let ids: Vec<_> = dead.iter().map(|letter| letter.message.id.as_str()).collect();
        assert_eq!(ids, ["id-0", "id-1"], "oldest first");
        assert!(dead.iter().all(|letter| letter.reason == reason && letter.queue == queue));
        assert_ne!(dead[0].id, dead[1].id);
    }
    assert_eq!(bus.dead_letters("no such queue").await.expect("listed"), []);
}
