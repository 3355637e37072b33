//! The bus on RabbitMQ, while bad things happen to the broker and to those who use it. Starts a broker of its own where
//! RabbitMQ is installed. A broker takes seconds to start, so one test runs all scenarios on one broker.

mod broker;
mod outage;
mod process;
mod queues;
mod refusals;

use broker::Broker;
use segue_bus::{BrokerUrl, Rabbit, RabbitConfig};
use segue_domain::SystemClock;
use segue_ports::bus::{Bus, Delivery, Message, WorkConsumer, WorkQueue};
use std::{sync::Arc, time::Duration};

/// Longer than anything that must happen takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

const fn queue(name: &'static str, prefetch: u16) -> WorkQueue {
    WorkQueue { name, topics: &["job.#"], prefetch, max_failures: 3, backoff: Duration::from_millis(50) }
}

fn job(id: impl std::fmt::Display) -> Message {
    Message {
        id: id.to_string(),
        topic: "job.made.v1".into(),
        key: "key".into(),
        payload: "payload".into(),
        traceparent: None,
    }
}

fn config(url: String, name: &str) -> RabbitConfig {
    RabbitConfig { url: BrokerUrl::new(url), prefix: format!("{name}."), ..RabbitConfig::default() }
}

/// A bus with names of its own.
async fn bus(broker: &Broker, name: &str) -> Rabbit {
    Rabbit::connect(config(broker.url(), name), Arc::new(SystemClock)).await.expect("the broker takes us")
}

async fn next(consumer: &mut Box<dyn WorkConsumer>) -> Box<dyn Delivery> {
    tokio::time::timeout(PATIENCE, consumer.next()).await.expect("a message comes").expect("the bus is open")
}

async fn nothing(consumer: &mut Box<dyn WorkConsumer>) {
    if let Ok(more) = tokio::time::timeout(Duration::from_millis(700), consumer.next()).await {
        panic!("unexpected message: {:?}", more.expect("the bus is open").message());
    }
}

/// Publishes until it is confirmed.
async fn insist(bus: &Rabbit, messages: Vec<Message>) {
    let published = async {
        while let Err(error) = bus.publish(messages.clone()).await {
            assert!(matches!(error, segue_ports::bus::BusError::Unavailable(_)), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, published).await.expect("the broker comes back");
}

async fn connected(bus: &Rabbit) {
    let wait = async {
        while !bus.is_connected() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the bus connects");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_what_happens_to_a_broker() {
    let Some(mut broker) = Broker::prepare() else {
        eprintln!("RabbitMQ is not installed: its faults are not tested here");
        return;
    };
    // Shown when the test fails.
    tracing_subscriber::fmt()
        .with_test_writer()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .init();
    let begun = std::time::Instant::now();
    let say = |what: &str| eprintln!("{:5.1} s: {what}", begun.elapsed().as_secs_f64());
    outage::starts_before_its_broker(&mut broker).await;
    say("a wrong password, vhost or URL is refused at once");
    refusals::refuses_what_waiting_cannot_help(&broker).await;
    say("a queue with other settings is a clear error");
    refusals::names_a_queue_with_other_settings(&broker).await;
    say("a queue that was deleted is made again");
    queues::makes_a_deleted_queue_again(&broker).await;
    say("what is never answered becomes a dead letter");
    queues::buries_what_is_never_answered(&broker).await;
    say("a message of another program is parked");
    queues::takes_messages_of_other_programs(&broker).await;
    say("a shutdown finishes what is in hands");
    queues::finishes_what_is_held_when_it_closes(&broker).await;
    say("killed consumers cost no attempt");
    process::counts_no_killed_consumer(&broker).await;
    say("a blocked broker");
    outage::waits_no_longer_than_its_limit_for_a_blocked_broker(&broker).await;
    say("a stopped broker");
    outage::goes_on_after_the_broker_stood_still(&broker).await;
    say("a killed broker");
    outage::loses_nothing_when_the_broker_is_killed(&mut broker).await;
    say("done");
}
