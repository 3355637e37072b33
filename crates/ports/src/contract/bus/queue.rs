//! Work queues while all goes well.

use super::{Engine, PATIENCE, message, messages, next, nothing, work};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub(super) async fn keeps_messages_published_before_a_consumer_exists(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("early", &["song.#"], 4));
    bus.publish(vec![message("lost", "song.ready.v1")]).await.expect("nobody need listen");
    bus.declare(&queue).await.expect("declared");
    bus.declare(&queue).await.expect("declared again");
    let sent = message("kept", "song.ready.v1");
    bus.publish(vec![sent.clone()]).await.expect("published");
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message(), &sent, "a message arrives as it was sent");
    assert_eq!(delivery.attempt(), 1);
    assert!(!delivery.last_attempt());
    delivery.ack().await.expect("acknowledged");
    nothing(&mut consumer).await;
}

pub(super) async fn gives_each_message_to_one_of_the_competing_consumers(engine: Box<dyn Engine>) {
    const COUNT: usize = 300;
    let (bus, queue) = (engine.bus(), work("compete", &["job.*"], 2));
    bus.declare(&queue).await.expect("declared");
    let mut tasks = Vec::new();
    let (seen, mut heard) = tokio::sync::mpsc::channel(COUNT * 2);
    for worker in 0..3 {
        let mut consumer = bus.consume(&queue).await.expect("consumer");
        let seen = seen.clone();
        tasks.push(tokio::spawn(async move {
            while let Ok(delivery) = consumer.next().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
                seen.send((worker, delivery.message().id.clone())).await.expect("the test listens");
                delivery.ack().await.expect("acknowledged");
            }
        }));
    }
    bus.publish(messages(0..COUNT, "job.a")).await.expect("published");
    let (mut ids, mut workers) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..COUNT {
        let seen = tokio::time::timeout(PATIENCE, heard.recv()).await;
        let (worker, id) = seen.expect("messages come in time").expect("workers live");
        *ids.entry(id).or_insert(0) += 1;
        *workers.entry(worker).or_insert(0) += 1;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(heard.try_recv().is_err(), "a message came twice");
    assert_eq!(ids.len(), COUNT, "every message came");
    assert_eq!(workers.len(), 3, "every consumer had work: {workers:?}");
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
}

pub(super) async fn gives_each_queue_its_own_copy(engine: Box<dyn Engine>) {
    let (one, other) = (work("one", &["song.#"], 1), work("other", &["song.ready.*", "song.#"], 1));
    let bus = engine.bus();
    let mut first = bus.consume(&one).await.expect("consumer");
    let mut second = bus.consume(&other).await.expect("consumer");
    bus.publish(vec![message(1, "song.ready.v1")]).await.expect("published");
    for consumer in [&mut first, &mut second] {
        next(consumer).await.ack().await.expect("acknowledged");
        // Two patterns of one queue match, and it is still one message.
        nothing(consumer).await;
    }
}

pub(super) async fn keeps_the_order_of_publication(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("order", &["#"], 1));
    bus.declare(&queue).await.expect("declared");
    for start in (0..200).step_by(40) {
        bus.publish(messages(start..start + 40, "a.b")).await.expect("published");
    }
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    for n in 0..200 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.message().id, format!("id-{n}"));
        delivery.ack().await.expect("acknowledged");
    }
}

pub(super) async fn holds_no_more_than_prefetch(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("prefetch", &["#"], 2));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..4, "a")).await.expect("published");
    let first = next(&mut consumer).await;
    let second = next(&mut consumer).await;
    nothing(&mut consumer).await;
    // It may hold one, so that an engine that hands out ahead leaves the last for the other.
    let mut idle = bus.consume(&work("prefetch", &["#"], 1)).await.expect("consumer");
    let third = next(&mut idle).await;
    assert_eq!(third.message().id, "id-2", "what one may not hold is another's");
    first.ack().await.expect("acknowledged");
    let fourth = next(&mut consumer).await;
    assert_eq!(fourth.message().id, "id-3");
    for delivery in [second, third, fourth] {
        delivery.ack().await.expect("acknowledged");
    }
}

pub(super) async fn gives_back_what_is_dropped(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("dropped", &["#"], 1));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.publish(messages(0..1, "a")).await.expect("published");
    drop(next(&mut consumer).await);
    let mut other = bus.consume(&queue).await.expect("consumer");
    drop(consumer);
    let again = next(&mut other).await;
    assert_eq!((again.message().id.as_str(), again.attempt()), ("id-0", 1));
    again.ack().await.expect("acknowledged");
}

pub(super) async fn loses_nothing_when_waiting_is_cancelled(engine: Box<dyn Engine>) {
    const COUNT: usize = 50;
    let (bus, queue) = (engine.bus(), work("cancel", &["#"], 8));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let publisher = {
        let bus = bus.clone();
        tokio::spawn(async move {
            for n in 0..COUNT {
                bus.publish(vec![message(n, "a")]).await.expect("published");
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        })
    };
    let mut seen = std::collections::BTreeSet::new();
    let end = tokio::time::Instant::now() + PATIENCE;
    while seen.len() < COUNT {
        assert!(tokio::time::Instant::now() < end, "only {} of {COUNT} came", seen.len());
        let patience = Duration::from_micros(300 + 700 * (seen.len() as u64 % 4));
        if let Ok(delivery) = tokio::time::timeout(patience, consumer.next()).await {
            let delivery = delivery.expect("the bus is open");
            assert!(seen.insert(delivery.message().id.clone()), "a message came twice");
            delivery.ack().await.expect("acknowledged");
        }
    }
    publisher.await.expect("the publisher ends");
}

pub(super) async fn routes_by_topic_patterns(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("patterns", &["song.*.v1", "user.#"], 8));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let topics =
        ["song.ready.v1", "song.ready.v2", "song.v1", "user", "user.deleted.v1", "playlist.created.v1"];
    bus.publish(topics.iter().map(|t| message(t, t)).collect()).await.expect("published");
    for topic in ["song.ready.v1", "user", "user.deleted.v1"] {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.message().topic, topic);
        delivery.ack().await.expect("acknowledged");
    }
    nothing(&mut consumer).await;
}

pub(super) async fn publishes_nothing_at_all(engine: Box<dyn Engine>) {
    engine.bus().publish(Vec::new()).await.expect("nothing is published easily");
}

pub(super) async fn drains_a_backlog_published_by_many(engine: Box<dyn Engine>) {
    const PUBLISHERS: usize = 20;
    const EACH: usize = 50;
    let (bus, queue) = (engine.bus(), work("backlog", &["#"], 32));
    bus.declare(&queue).await.expect("declared");
    let publish = |p: usize| {
        let bus: Arc<_> = bus.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                bus.publish(vec![message(format!("{p}-{n:02}"), "a")]).await.expect("published");
            }
        })
    };
    for publisher in (0..PUBLISHERS).map(publish).collect::<Vec<_>>() {
        publisher.await.expect("a publisher ends");
    }
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..PUBLISHERS * EACH {
        let delivery = next(&mut consumer).await;
        let id = delivery.message().id.clone();
        let publisher = id.rsplit_once('-').expect("our ids").0.to_owned();
        let before = last.insert(publisher, id.clone());
        assert!(before.as_ref() < Some(&id), "{before:?} came before {id}");
        delivery.ack().await.expect("acknowledged");
    }
    nothing(&mut consumer).await;
}
