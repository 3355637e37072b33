//! How fast confirmed messages are published through the bus, against the client library alone at the same window:
//! `publish_rate amqp://guest:guest@127.0.0.1:5672/%2f [messages per round] [rounds]`.
//!
//! Rounds of both alternate, so that what else happens on the machine happens to both; the last line is
//! `ratio <median of bus/bare>`.

use bytes::Bytes;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable},
};
use segue_bus::{BrokerUrl, Rabbit, RabbitConfig};
use segue_domain::SystemClock;
use segue_ports::bus::{Bus, Message, WorkQueue};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

const WINDOW: usize = 256;
const TOPIC: &str = "rate.measured.v1";
const QUEUE: WorkQueue =
    WorkQueue { name: "rate", topics: &["rate.#"], prefetch: 1, max_failures: 1, backoff: Duration::ZERO };

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Messages per second.
async fn bare(channel: &Channel, exchange: &str, count: usize, payload: &Bytes) -> Result<f64, Failure> {
    let begun = Instant::now();
    let mut window: VecDeque<PublisherConfirm> = VecDeque::with_capacity(WINDOW);
    for n in 0..count {
        if window.len() == WINDOW
            && let Some(oldest) = window.pop_front()
            && !oldest.await?.is_ack()
        {
            return Err("the broker refused a message".into());
        }
        // The same message as the bus makes of its own.
        let mut headers = FieldTable::default();
        headers.insert("segue-topic".into(), AMQPValue::LongString(TOPIC.into()));
        headers.insert("segue-key".into(), AMQPValue::LongString("key".into()));
        let properties = BasicProperties::default()
            .with_message_id(n.to_string().into())
            .with_delivery_mode(2)
            .with_headers(headers);
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let sent = channel.basic_publish(exchange.into(), TOPIC.into(), options, payload, properties);
        window.push_back(sent.await?);
    }
    for confirm in window {
        confirm.await?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Messages per second, by two callers, so that one prepares while the other waits.
async fn through_bus(bus: &Rabbit, count: usize, payload: &Bytes) -> Result<f64, Failure> {
    const BATCH: usize = 128;
    let begun = Instant::now();
    let caller = |first: usize| {
        let (bus, payload) = (bus.clone(), payload.clone());
        tokio::spawn(async move {
            for start in (first * BATCH..count).step_by(2 * BATCH) {
                let message = |n: usize| Message {
                    id: n.to_string(),
                    topic: TOPIC.into(),
                    key: "key".into(),
                    payload: payload.clone(),
                    traceparent: None,
                };
                bus.publish((start..count.min(start + BATCH)).map(message).collect()).await?;
            }
            Ok::<_, Failure>(())
        })
    };
    for caller in [caller(0), caller(1)] {
        caller.await??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: publish_rate AMQP_URL [messages per round] [rounds]")?;
    let count = arguments.next().map_or(Ok(20_000), |text| text.parse::<usize>())?;
    let rounds = arguments.next().map_or(Ok(5), |text| text.parse::<usize>())?.max(1);

    let prefix = format!("rate.{}.", uuid::Uuid::new_v4().simple());
    let config = RabbitConfig {
        url: BrokerUrl::new(url.clone()),
        prefix: prefix.clone(),
        window: WINDOW,
        ..RabbitConfig::default()
    };
    let bus = Rabbit::connect(config, Arc::new(SystemClock)).await?;
    bus.declare(&QUEUE).await?;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (exchange, queue) = (format!("{prefix}events"), format!("{prefix}rate"));
    let payload = Bytes::from(vec![7; 256]);

    // Whoever is first pays for what is warm later.
    bare(&channel, &exchange, count / 10, &payload).await?;
    through_bus(&bus, count / 10, &payload).await?;
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let bare = bare(&channel, &exchange, count, &payload).await?;
        channel.queue_purge(queue.clone().into(), QueuePurgeOptions::default()).await?;
        let ours = through_bus(&bus, count, &payload).await?;
        channel.queue_purge(queue.clone().into(), QueuePurgeOptions::default()).await?;
        println!("round {round}: bare {bare:.0}/s, bus {ours:.0}/s, ratio {:.2}", ours / bare);
        ratios.push(ours / bare);
    }
    for name in [queue.clone(), format!("{queue}.dead")] {
        channel.queue_delete(name.into(), lapin::options::QueueDeleteOptions::default()).await?;
    }
    bus.close().await;
    ratios.sort_by(f64::total_cmp);
    println!("ratio {:.2}", ratios[ratios.len() / 2]);
    Ok(())
}
