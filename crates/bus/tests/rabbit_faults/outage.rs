//! The broker is away, stands still, blocks or is killed.

use crate::{Broker, PATIENCE, bus, config, connected, insist, job, next, nothing, queue};
use segue_bus::Rabbit;
use segue_domain::SystemClock;
use segue_ports::bus::{Bus, BusError, Heard, Listener};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The limit of one answer, and some room for a busy machine.
const LIMIT: Duration = Duration::from_secs(9);

async fn gap(listener: &mut Box<dyn Listener>) {
    let wait = async { while listener.next().await.expect("the bus is open") != Heard::Gap {} };
    tokio::time::timeout(PATIENCE, wait).await.expect("the listener hears of the gap");
}

pub(crate) async fn starts_before_its_broker(broker: &mut Broker) {
    let mut settings = config(broker.url(), "early");
    settings.answer_timeout_ms = 500;
    let bus = Rabbit::connect(settings, Arc::new(SystemClock)).await.expect("it waits");
    let jobs = queue("jobs", 1);
    assert!(matches!(bus.declare(&jobs).await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.publish(vec![job(0)]).await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.consume(&jobs).await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.listen(&["#"]).await, Err(BusError::Unavailable(_))));
    assert!(!bus.is_connected());
    broker.start();
    connected(&bus).await;
    // What could not be declared is declared now: nothing that is published gets lost.
    insist(&bus, vec![job(1)]).await;
    let other = crate::bus(broker, "early").await;
    let mut consumer = other.consume(&jobs).await.expect("consumer");
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message().id, "1");
    delivery.ack().await.expect("acknowledged");
}

pub(crate) async fn waits_no_longer_than_its_limit_for_a_blocked_broker(broker: &Broker) {
    let bus = bus(broker, "blocked").await;
    let jobs = queue("jobs", 2);
    let mut consumer = bus.consume(&jobs).await.expect("consumer");
    insist(&bus, vec![job(1), job(2)]).await;
    let (first, second) = (next(&mut consumer).await, next(&mut consumer).await);
    let alarm = "{resource_limit, memory, node()}";
    broker.eval(&format!("rabbit_alarm:set_alarm({{{alarm}, []}})."));
    let begun = Instant::now();
    let refused = bus.publish(vec![job(3)]).await.expect_err("the broker is blocked");
    assert!(begun.elapsed() < LIMIT, "took {:?}", begun.elapsed());
    assert!(refused.to_string().contains("short of memory"), "{refused}");
    assert!(matches!(bus.publish(vec![job(4)]).await, Err(BusError::Unavailable(_))));
    // Acknowledgements go over the other connection.
    first.ack().await.expect("acknowledged");
    broker.eval(&format!("rabbit_alarm:clear_alarm({alarm})."));
    insist(&bus, vec![job(5)]).await;
    second.ack().await.expect("acknowledged");
    let mut seen = BTreeSet::new();
    while !seen.contains("5") {
        let delivery = next(&mut consumer).await;
        seen.insert(delivery.message().id.clone());
        delivery.ack().await.expect("acknowledged");
    }
    assert!(!seen.contains("1"), "what was acknowledged does not come again");
}

pub(crate) async fn goes_on_after_the_broker_stood_still(broker: &Broker) {
    let bus = bus(broker, "still").await;
    let mut consumer = bus.consume(&queue("jobs", 1)).await.expect("consumer");
    let mut listener = bus.listen(&["job.#"]).await.expect("listener");
    insist(&bus, vec![job("before")]).await;
    let held = next(&mut consumer).await;
    broker.signal("STOP");
    let begun = Instant::now();
    assert!(matches!(bus.publish(vec![job("during")]).await, Err(BusError::Unavailable(_))));
    assert!(begun.elapsed() < LIMIT, "took {:?}", begun.elapsed());
    // Longer than two heartbeats: the connections are given up.
    tokio::time::sleep(Duration::from_secs(14).saturating_sub(begun.elapsed())).await;
    assert!(!bus.is_connected());
    broker.signal("CONT");
    gap(&mut listener).await;
    // Its channel is gone; the message comes again, and its attempt is the same.
    assert!(matches!(held.ack().await, Err(BusError::Unavailable(_))));
    insist(&bus, vec![job("after")]).await;
    let mut seen = BTreeMap::new();
    while !(seen.contains_key("before") && seen.contains_key("after")) {
        let delivery = next(&mut consumer).await;
        seen.insert(delivery.message().id.clone(), delivery.attempt());
        delivery.ack().await.expect("acknowledged");
    }
    assert!(seen.values().all(|attempt| *attempt == 1), "{seen:?}");
    bus.announce(job("heard"));
    let heard =
        async { while listener.next().await.expect("the bus is open") != Heard::Message(job("heard")) {} };
    tokio::time::timeout(PATIENCE, heard).await.expect("announcements are heard again");
}

pub(crate) async fn loses_nothing_when_the_broker_is_killed(broker: &mut Broker) {
    let (publishing, consuming) = (bus(broker, "crash").await, bus(broker, "crash").await);
    let jobs = queue("jobs", 16);
    let mut consumer = consuming.consume(&jobs).await.expect("consumer");
    let mut listener = consuming.listen(&["job.#"]).await.expect("listener");
    // What is killed within a second of being declared may come back empty.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let stop = CancellationToken::new();
    let publisher = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut count = 0;
            while !stop.is_cancelled() {
                insist(&publishing, (count..count + 20).map(job).collect()).await;
                count += 20;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            count
        }
    });
    let finish = CancellationToken::new();
    let worker = tokio::spawn({
        let finish = finish.clone();
        async move {
            // Every tenth fails each time; counted where it is known that it counted.
            let (mut done, mut runs) = (BTreeMap::<usize, usize>::new(), BTreeMap::<usize, usize>::new());
            loop {
                let silence = async {
                    finish.cancelled().await;
                    tokio::time::sleep(Duration::from_secs(3)).await;
                };
                let delivery = tokio::select! {
                    delivery = consumer.next() => delivery.expect("the bus is open"),
                    () = silence => return (done, runs),
                };
                let id: usize = delivery.message().id.parse().expect("our ids");
                if id % 10 == 9 {
                    if delivery.fail("always").await.is_ok() {
                        *runs.entry(id).or_default() += 1;
                    }
                } else if delivery.ack().await.is_ok() {
                    *done.entry(id).or_default() += 1;
                }
            }
        }
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        broker.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| broker.start());
        gap(&mut listener).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.cancel();
    let count = tokio::time::timeout(PATIENCE, publisher).await.expect("it ends").expect("it does not panic");
    finish.cancel();
    let (done, runs) =
        tokio::time::timeout(2 * PATIENCE, worker).await.expect("it ends").expect("it does not panic");
    let again: usize = done.values().map(|n| n - 1).sum();
    eprintln!("        {count} published, {} done, {again} of them twice", done.len());
    let lost: Vec<_> = (0..count).filter(|id| id % 10 != 9 && !done.contains_key(id)).collect();
    assert_eq!(lost, [0; 0], "of {count}, confirmed and never seen");
    let dead: BTreeSet<usize> = tokio::time::timeout(PATIENCE, async {
        loop {
            let dead = consuming.dead_letters("jobs").await.expect("listed");
            let dead: BTreeSet<usize> = dead.iter().map(|letter| letter.id.parse().expect("ours")).collect();
            if dead.len() >= (count / 10).min(1000) {
                return dead;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await
    .expect("what always fails is among the dead");
    assert!(dead.iter().all(|id| id % 10 == 9), "only what failed is dead");
    assert!(runs.values().all(|n| *n >= 3), "nothing dies before its third failure");
    let mut rest = consuming.consume(&jobs).await.expect("consumer");
    nothing(&mut rest).await;
}
