//! Queues and what is in them.

use crate::{Broker, PATIENCE, bus, insist, job, next, nothing, queue};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeleteOptions},
};
use segue_ports::bus::{Bus, BusError};
use std::time::Duration;

async fn channel(broker: &Broker) -> (Connection, Channel) {
    let connection =
        Connection::connect(&broker.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

pub(crate) async fn makes_a_deleted_queue_again(broker: &Broker) {
    let bus = bus(broker, "deleted").await;
    let mut consumer = bus.consume(&queue("jobs", 1)).await.expect("consumer");
    let (_connection, channel) = channel(broker).await;
    channel.queue_delete("deleted.jobs".into(), QueueDeleteOptions::default()).await.expect("deleted");
    // Whichever sees it first: the consumer, whose subscription is cancelled, or the publisher, whose message comes back.
    insist(&bus, vec![job(1)]).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message().id, "1");
    delivery.ack().await.expect("acknowledged");

    let publisher = crate::bus(broker, "deleted-too").await;
    publisher.declare(&queue("jobs", 1)).await.expect("declared");
    channel.queue_delete("deleted-too.jobs".into(), QueueDeleteOptions::default()).await.expect("deleted");
    publisher.publish((0..50).map(job).collect()).await.expect("published at last");
    let mut consumer = publisher.consume(&queue("jobs", 50)).await.expect("consumer");
    for _ in 0..50 {
        next(&mut consumer).await.ack().await.expect("acknowledged");
    }
}

pub(crate) async fn buries_what_is_never_answered(broker: &Broker) {
    let bus = bus(broker, "unanswered").await;
    let mut consumer = bus.consume(&queue("jobs", 1)).await.expect("consumer");
    insist(&bus, vec![job("killer"), job("good")]).await;
    let mut deliveries = 0;
    loop {
        let delivery = next(&mut consumer).await;
        if delivery.message().id == "good" {
            delivery.ack().await.expect("acknowledged");
            break;
        }
        assert_eq!(delivery.attempt(), 1, "it never failed by itself");
        deliveries += 1;
        drop(delivery);
    }
    assert_eq!(deliveries, 21);
    let dead = tokio::time::timeout(PATIENCE, async {
        loop {
            let dead = bus.dead_letters("jobs").await.expect("listed");
            if !dead.is_empty() {
                return dead;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is among the dead");
    assert_eq!((dead[0].message.clone(), dead[0].failures), (job("killer"), 0));
    assert_eq!(dead[0].reason, "delivered more than 20 times without an answer");
    assert!(bus.retry_dead("jobs", &dead[0].id).await.expect("retried"));
    let delivery = next(&mut consumer).await;
    assert_eq!((delivery.message(), delivery.attempt()), (&job("killer"), 1));
    delivery.ack().await.expect("acknowledged");
    assert_eq!(bus.dead_letters("jobs").await.expect("listed"), []);
}

pub(crate) async fn takes_messages_of_other_programs(broker: &Broker) {
    let bus = bus(broker, "foreign").await;
    let mut consumer = bus.consume(&queue("jobs", 1)).await.expect("consumer");
    let (_connection, channel) = channel(broker).await;
    let options = BasicPublishOptions::default();
    for body in [b"one".as_slice(), b"two"] {
        channel
            .basic_publish(
                "foreign.events".into(),
                "job.odd".into(),
                options,
                body,
                BasicProperties::default(),
            )
            .await
            .expect("published");
    }
    for body in [b"one".as_slice(), b"two"] {
        for attempt in 1..=3 {
            let delivery = loop {
                let delivery = next(&mut consumer).await;
                if delivery.message().payload == body {
                    break delivery;
                }
                delivery.release(Duration::from_millis(10)).await.expect("released");
            };
            assert_eq!((delivery.attempt(), delivery.message().topic.as_str()), (attempt, "job.odd"));
            delivery.fail("it says nothing").await.expect("failed");
        }
    }
    nothing(&mut consumer).await;
    let dead = bus.dead_letters("jobs").await.expect("listed");
    assert_eq!(dead.len(), 2);
    assert_ne!(dead[0].id, dead[1].id);
    assert!(bus.drop_dead("jobs", &dead[1].id).await.expect("dropped"));
    assert_eq!(bus.dead_letters("jobs").await.expect("listed"), dead[..1]);
}

pub(crate) async fn finishes_what_is_held_when_it_closes(broker: &Broker) {
    let bus = bus(broker, "closing").await;
    let mut consumer = bus.consume(&queue("jobs", 4)).await.expect("consumer");
    let mut listener = bus.listen(&["#"]).await.expect("listener");
    insist(&bus, (0..4).map(job).collect()).await;
    let (done, failed) = (next(&mut consumer).await, next(&mut consumer).await);
    let closing = {
        let bus = bus.clone();
        tokio::spawn(async move { bus.close().await })
    };
    while !matches!(bus.publish(vec![job("late")]).await, Err(BusError::Closed)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(matches!(consumer.next().await, Err(BusError::Closed)));
    assert!(matches!(listener.next().await, Err(BusError::Closed)));
    drop(consumer);
    // Others have the rest while this one still works.
    let other = crate::bus(broker, "closing").await;
    let mut heir = other.consume(&queue("jobs", 4)).await.expect("consumer");
    for _ in 0..2 {
        let delivery = next(&mut heir).await;
        assert!(["2", "3", "late"].contains(&delivery.message().id.as_str()), "{:?}", delivery.message());
        delivery.ack().await.expect("acknowledged");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    done.ack().await.expect("acknowledged");
    failed.fail("for the test").await.expect("failed");
    tokio::time::timeout(PATIENCE, closing).await.expect("it closes").expect("it does not panic");
    let delivery = loop {
        let delivery = next(&mut heir).await;
        if delivery.message().id != "late" {
            break delivery;
        }
        delivery.ack().await.expect("acknowledged");
    };
    assert_eq!((delivery.message().id.as_str(), delivery.attempt()), ("1", 2));
    delivery.ack().await.expect("acknowledged");
    nothing(&mut heir).await;
}
