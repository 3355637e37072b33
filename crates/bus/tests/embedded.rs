//! What only the embedded engine promises.

use segue_bus::{Config, Embedded};
use segue_domain::{ManualClock, SystemClock, Timestamp};
use segue_ports::bus::{Bus, BusError, Delivery, Message, WorkConsumer, WorkQueue};
use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, OnceLock},
    time::Duration,
};

const QUEUE: WorkQueue = WorkQueue {
    name: "jobs",
    topics: &["job.#"],
    prefetch: 4,
    max_failures: 3,
    backoff: Duration::from_millis(20),
};

fn job(id: impl std::fmt::Display) -> Message {
    Message {
        id: format!("id-{id}"),
        topic: "job.made.v1".into(),
        key: "k".into(),
        payload: "payload".into(),
        traceparent: None,
    }
}

async fn open(path: &Path) -> Embedded {
    Embedded::open(path, Arc::new(SystemClock)).await.expect("the file opens")
}

async fn next(consumer: &mut Box<dyn WorkConsumer>) -> Box<dyn Delivery> {
    tokio::time::timeout(Duration::from_secs(20), consumer.next()).await.expect("in time").expect("open")
}

async fn is_empty(consumer: &mut Box<dyn WorkConsumer>) -> bool {
    tokio::time::timeout(Duration::from_millis(200), consumer.next()).await.is_err()
}

#[tokio::test]
async fn takes_a_message_once_while_it_waits_and_after_it_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let bus = open(&folder.path().join("bus.db")).await;
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    bus.publish(vec![job(1), job(1)]).await.unwrap();
    bus.publish(vec![job(1)]).await.unwrap();
    next(&mut consumer).await.ack().await.unwrap();
    bus.publish(vec![job(1), job(2)]).await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message().id, "id-2");
    delivery.ack().await.unwrap();
    assert!(is_empty(&mut consumer).await);
}

#[tokio::test]
async fn forgets_answered_messages_after_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(Timestamp(1_000_000));
    let bus = Embedded::open(&folder.path().join("bus.db"), Arc::new(clock.clone())).await.unwrap();
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    bus.publish(vec![job("old")]).await.unwrap();
    next(&mut consumer).await.ack().await.unwrap();
    clock.advance(Duration::from_secs(3601));
    bus.publish((0..1001).map(job).collect()).await.unwrap();
    for _ in 0..1001 {
        next(&mut consumer).await.ack().await.unwrap();
    }
    bus.publish(vec![job("old"), job(1000)]).await.unwrap();
    let again = next(&mut consumer).await;
    assert_eq!(again.message().id, "id-old", "it is as good as new");
    again.ack().await.unwrap();
    assert!(is_empty(&mut consumer).await, "the young ones are still known");
}

#[tokio::test]
async fn parks_what_is_never_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let mut bus = open(&path).await;
    bus.declare(&QUEUE).await.unwrap();
    bus.publish(vec![job("killer"), job("good")]).await.unwrap();
    for round in 0..4 {
        let mut consumer = bus.consume(&QUEUE).await.unwrap();
        for _ in 0..5 {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.message().id, "id-killer", "round {round}");
            assert_eq!(delivery.attempt(), 1);
            drop(delivery);
        }
        drop((consumer, bus));
        bus = open(&path).await;
    }
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message().id, "id-good");
    delivery.ack().await.unwrap();
    let dead = bus.dead_letters("jobs").await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason, "delivered 20 times without an answer");
    assert_eq!((dead[0].message.id.as_str(), dead[0].failures), ("id-killer", 0));
}

#[tokio::test]
async fn closes_for_everybody_but_who_holds_a_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let bus = open(&path).await;
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    let mut waiting = bus.consume(&QUEUE).await.unwrap();
    let mut listener = bus.listen(&["#"]).await.unwrap();
    bus.publish(vec![job(1)]).await.unwrap();
    let held = next(&mut consumer).await;
    listener.next().await.unwrap();
    let waits = tokio::spawn(async move { waiting.next().await.map(drop) });
    tokio::task::yield_now().await;
    bus.close();
    assert!(matches!(waits.await.unwrap(), Err(BusError::Closed)));
    assert!(matches!(consumer.next().await, Err(BusError::Closed)));
    assert!(matches!(listener.next().await, Err(BusError::Closed)));
    assert!(matches!(bus.publish(vec![job(2)]).await, Err(BusError::Closed)));
    assert!(matches!(bus.listen(&["#"]).await, Err(BusError::Closed)));
    held.ack().await.unwrap();
    drop((bus, consumer));
    let bus = open(&path).await;
    assert!(is_empty(&mut bus.consume(&QUEUE).await.unwrap()).await, "it was acknowledged after the close");
}

#[tokio::test]
async fn refuses_a_second_engine_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let _first = open(&path).await;
    let second = Embedded::open(&path, Arc::new(SystemClock)).await;
    assert!(second.unwrap_err().to_string().contains("another process"));
}

#[tokio::test]
async fn says_that_a_file_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    std::fs::write(&path, "this is not a database, it only looks long enough to be one".repeat(100)).unwrap();
    let opened = Embedded::open(&path, Arc::new(SystemClock)).await;
    assert!(matches!(opened, Err(BusError::Unavailable(_))), "{opened:?}");
    let missing = Embedded::open(&folder.path().join("no/such/bus.db"), Arc::new(SystemClock)).await;
    assert!(matches!(missing, Err(BusError::Unavailable(_))), "{missing:?}");
}

static DIE_AT: OnceLock<String> = OnceLock::new();

/// Dies without unwinding, flushing or dropping, as by kill -9.
fn die(point: &'static str) {
    if DIE_AT.get().is_some_and(|name| name == point) {
        std::process::abort();
    }
}

/// Runs in a process of its own, in a folder that says where to die.
#[tokio::test]
#[ignore = "run by the tests that kill it"]
async fn victim() {
    let Ok(point) = std::fs::read_to_string("die-at") else { return };
    DIE_AT.set(point).unwrap();
    let config = Config { crash: die };
    let bus = Embedded::open_with(Path::new("bus.db"), Arc::new(SystemClock), config).await.unwrap();
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    bus.publish(vec![job(1), job(2)]).await.unwrap();
    next(&mut consumer).await.ack().await.unwrap();
}

#[tokio::test]
async fn loses_nothing_when_the_process_is_killed() {
    for point in ["bus-published", "bus-job-delivered", "bus-before-ack"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("die-at"), point).unwrap();
        let killed = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "victim"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(killed.code(), None, "{point} was never reached");
        let bus = open(&folder.path().join("bus.db")).await;
        // What was in doubt is published again, as the relay does.
        bus.publish(vec![job(1), job(2)]).await.unwrap();
        let mut consumer = bus.consume(&QUEUE).await.unwrap();
        for id in ["id-1", "id-2"] {
            let delivery = next(&mut consumer).await;
            assert_eq!((delivery.message().id.as_str(), delivery.attempt()), (id, 1), "{point}");
            delivery.ack().await.unwrap();
        }
        assert!(is_empty(&mut consumer).await, "{point}");
    }
}

/// Prints rates; run with `--release -- --ignored --nocapture rates`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn rates() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let bus = open(&folder.path().join("bus.db")).await;
    bus.declare(&QUEUE).await.unwrap();
    let mut total = 0;
    for (window, count) in [(1, 2_000), (32, 20_000), (256, 40_000)] {
        let start = std::time::Instant::now();
        let tasks: Vec<_> = (0..window)
            .map(|w| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for n in 0..count / window {
                        let mut message = job(format!("{window}-{w}-{n}"));
                        message.payload = vec![7; 256].into();
                        bus.publish(vec![message]).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        total += count / window * window;
        println!("window {window}: {:.0} messages/s published", count as f64 / start.elapsed().as_secs_f64());
    }
    for prefetch in [1_u16, 64] {
        let mut consumer = bus.consume(&WorkQueue { prefetch, ..QUEUE }).await.unwrap();
        let share = if prefetch == 1 { 2_000 } else { total - 2_000 };
        let start = std::time::Instant::now();
        let mut acks = tokio::task::JoinSet::new();
        for _ in 0..share {
            let delivery = next(&mut consumer).await;
            acks.spawn(async move { delivery.ack().await.unwrap() });
        }
        acks.join_all().await;
        println!(
            "prefetch {prefetch}: {:.0} messages/s consumed",
            share as f64 / start.elapsed().as_secs_f64()
        );
    }
}
