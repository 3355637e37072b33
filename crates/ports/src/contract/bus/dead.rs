//! What can be done with dead letters.

use super::{Engine, message, messages, next, nothing, work};
use crate::bus::{Bus, WorkConsumer, WorkQueue};

/// A queue whose messages die of their first failure.
fn fragile(name: &'static str) -> WorkQueue {
    WorkQueue { max_failures: 1, ..work(name, &["#"], 1) }
}

async fn kill(consumer: &mut Box<dyn WorkConsumer>, id: &str) {
    let delivery = next(consumer).await;
    assert_eq!(delivery.message().id, id);
    delivery.fail("for the test").await.expect("failed");
}

async fn dead(bus: &dyn Bus, queue: &str) -> Vec<String> {
    bus.dead_letters(queue).await.expect("listed").into_iter().map(|letter| letter.id).collect()
}

pub(super) async fn comes_back_as_new_to_its_own_queue(engine: Box<dyn Engine>) {
    let (bus, queue, other) = (engine.bus(), fragile("retried"), fragile("untouched"));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let mut bystander = bus.consume(&other).await.expect("consumer");
    bus.publish(messages(0..2, "a")).await.expect("published");
    for id in ["id-0", "id-1"] {
        kill(&mut consumer, id).await;
        next(&mut bystander).await.ack().await.expect("acknowledged");
    }
    let letters = dead(&*bus, "retried").await;
    assert_eq!(letters.len(), 2);
    assert_eq!(dead(&*bus, "retried").await, letters, "looking changes nothing");

    assert!(!bus.retry_dead("retried", "no such letter").await.expect("retried"));
    assert!(!bus.retry_dead("no such queue", &letters[0]).await.expect("retried"));
    assert!(bus.retry_dead("retried", &letters[0]).await.expect("retried"));
    assert!(!bus.retry_dead("retried", &letters[0]).await.expect("retried"), "it is not dead any more");
    assert_eq!(dead(&*bus, "retried").await, letters[1..]);

    let again = next(&mut consumer).await;
    assert_eq!(again.message(), &message(0, "a"), "a message comes back as it was sent");
    assert_eq!(again.attempt(), 1);
    again.fail("again").await.expect("failed");
    assert_eq!(dead(&*bus, "retried").await.len(), 2, "it can die again");
    nothing(&mut bystander).await;
}

pub(super) async fn is_thrown_away_once(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), fragile("thrown.away"));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..2, "a")).await.expect("published");
    for id in ["id-0", "id-1"] {
        kill(&mut consumer, id).await;
    }
    let letters = dead(&*bus, "thrown.away").await;
    assert!(!bus.drop_dead("thrown.away", "no such letter").await.expect("dropped"));
    assert!(!bus.drop_dead("no such queue", &letters[0]).await.expect("dropped"));
    assert!(bus.drop_dead("thrown.away", &letters[0]).await.expect("dropped"));
    assert!(!bus.drop_dead("thrown.away", &letters[0]).await.expect("dropped"));
    assert!(!bus.retry_dead("thrown.away", &letters[0]).await.expect("retried"));
    assert_eq!(dead(&*bus, "thrown.away").await, letters[1..]);
    nothing(&mut consumer).await;
}

pub(super) async fn is_kept_and_retried_after_a_restart(mut engine: Box<dyn Engine>) {
    let queue = fragile("buried");
    {
        let bus = engine.bus();
        let mut consumer = bus.consume(&queue).await.expect("consumer");
        bus.publish(messages(0..1, "a")).await.expect("published");
        kill(&mut consumer, "id-0").await;
    }
    engine.reopen().await;
    let bus = engine.bus();
    let letters = bus.dead_letters("buried").await.expect("listed");
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason.as_str(), letters[0].failures), ("for the test", 1));
    // Nobody consumes it yet.
    assert!(bus.retry_dead("buried", &letters[0].id).await.expect("retried"));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let delivery = next(&mut consumer).await;
    assert_eq!((delivery.message(), delivery.attempt()), (&message(0, "a"), 1));
    delivery.ack().await.expect("acknowledged");
    nothing(&mut consumer).await;
}
