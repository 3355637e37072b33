//! What every bus does.

mod broadcast;
mod dead;
mod durability;
mod failure;
mod queue;

use crate::bus::{Bus, Delivery, Message, WorkConsumer, WorkQueue};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};

/// Longer than anything that must happen takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to believe that something does not happen.
const SILENCE: Duration = Duration::from_millis(400);

/// A durable state with a bus on it, of an engine under test.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The bus on the state.
    fn bus(&self) -> Arc<dyn Bus>;
    /// Ends the bus and all that it gave out (the suite holds nothing any more), without letting anybody
    /// finish, and opens another on the same state.
    async fn reopen(&mut self);
}

/// Runs the suite. `make` gives an engine with no queues and no messages.
///
/// # Panics
/// When the engine does not do what a bus does.
pub async fn run(make: impl Fn() -> BoxFuture<'static, Box<dyn Engine>>) {
    queue::keeps_messages_published_before_a_consumer_exists(make().await).await;
    queue::gives_each_message_to_one_of_the_competing_consumers(make().await).await;
    queue::gives_each_queue_its_own_copy(make().await).await;
    queue::keeps_the_order_of_publication(make().await).await;
    queue::holds_no_more_than_prefetch(make().await).await;
    queue::gives_back_what_is_dropped(make().await).await;
    queue::loses_nothing_when_waiting_is_cancelled(make().await).await;
    queue::routes_by_topic_patterns(make().await).await;
    queue::publishes_nothing_at_all(make().await).await;
    queue::drains_a_backlog_published_by_many(make().await).await;
    durability::never_delivers_again_what_was_acknowledged(make().await).await;
    durability::delivers_again_what_was_not_with_the_same_attempt(make().await).await;
    durability::keeps_messages_and_failures_over_a_restart(make().await).await;
    failure::parks_what_fails_three_times_and_goes_on(make().await).await;
    failure::waits_longer_after_each_failure(make().await).await;
    failure::counts_nothing_on_release(make().await).await;
    failure::lists_dead_letters_of_one_queue(make().await).await;
    dead::comes_back_as_new_to_its_own_queue(make().await).await;
    dead::is_thrown_away_once(make().await).await;
    dead::is_kept_and_retried_after_a_restart(make().await).await;
    broadcast::reaches_every_listener(make().await).await;
    broadcast::stores_no_announcement(make().await).await;
    broadcast::tells_a_slow_listener_of_the_gap(make().await).await;
}

/// A queue with short waits.
fn work(name: &'static str, topics: &'static [&'static str], prefetch: u16) -> WorkQueue {
    WorkQueue { name, topics, prefetch, max_failures: 3, backoff: Duration::from_millis(50) }
}

fn message(id: impl std::fmt::Display, topic: &str) -> Message {
    Message {
        id: format!("id-{id}"),
        topic: topic.to_owned(),
        key: format!("key-{id}"),
        payload: Bytes::from(format!("payload {id}")),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

fn messages(numbers: std::ops::Range<usize>, topic: &str) -> Vec<Message> {
    numbers.map(|n| message(n, topic)).collect()
}

async fn next(consumer: &mut Box<dyn WorkConsumer>) -> Box<dyn Delivery> {
    let next = tokio::time::timeout(PATIENCE, consumer.next()).await;
    next.expect("a message comes in time").expect("the bus is open")
}

async fn nothing(consumer: &mut Box<dyn WorkConsumer>) {
    if let Ok(more) = tokio::time::timeout(SILENCE, consumer.next()).await {
        panic!("unexpected message: {:?}", more.expect("the bus is open").message());
    }
}
