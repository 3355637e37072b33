//! What a restart keeps.

use super::{Engine, messages, next, nothing, work};
use std::time::Duration;

pub(super) async fn never_delivers_again_what_was_acknowledged(mut engine: Box<dyn Engine>) {
    let queue = work("acknowledged", &["#"], 4);
    {
        let bus = engine.bus();
        let mut consumer = bus.consume(&queue).await.expect("consumer");
        bus.publish(messages(0..2, "a")).await.expect("published");
        for _ in 0..2 {
            next(&mut consumer).await.ack().await.expect("acknowledged");
        }
        nothing(&mut consumer).await;
    }
    engine.reopen().await;
    let mut consumer = engine.bus().consume(&queue).await.expect("consumer");
    nothing(&mut consumer).await;
}

pub(super) async fn delivers_again_what_was_not_with_the_same_attempt(mut engine: Box<dyn Engine>) {
    let queue = work("unanswered", &["#"], 4);
    {
        let bus = engine.bus();
        let mut consumer = bus.consume(&queue).await.expect("consumer");
        bus.publish(messages(0..3, "a")).await.expect("published");
        let held = [next(&mut consumer).await, next(&mut consumer).await, next(&mut consumer).await];
        let [_, second, _] = held;
        second.ack().await.expect("acknowledged");
    }
    engine.reopen().await;
    let mut consumer = engine.bus().consume(&queue).await.expect("consumer");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), 1, "a restart is not the message's failure");
        ids.push(delivery.message().id.clone());
        delivery.ack().await.expect("acknowledged");
    }
    ids.sort();
    assert_eq!(ids, ["id-0", "id-2"]);
    nothing(&mut consumer).await;
}

pub(super) async fn keeps_messages_and_failures_over_a_restart(mut engine: Box<dyn Engine>) {
    let mut queue = work("kept", &["#"], 1);
    queue.backoff = Duration::from_millis(700);
    {
        let bus = engine.bus();
        let mut consumer = bus.consume(&queue).await.expect("consumer");
        bus.publish(messages(0..2, "a")).await.expect("published");
        next(&mut consumer).await.fail("for the test").await.expect("failed");
    }
    engine.reopen().await;
    let bus = engine.bus();
    // The queue is there before anybody declares it.
    bus.publish(messages(2..3, "a")).await.expect("published");
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let mut came = Vec::new();
    for _ in 0..3 {
        let delivery = next(&mut consumer).await;
        came.push((delivery.message().id.clone(), delivery.attempt()));
        delivery.ack().await.expect("acknowledged");
    }
    came.sort();
    assert_eq!(came, [("id-0".to_owned(), 2), ("id-1".to_owned(), 1), ("id-2".to_owned(), 1)]);
}
