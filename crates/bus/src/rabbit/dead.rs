//! Looks through a queue of dead letters, and takes one out.
//!
//! A queue can only be read by taking from it. So everything is taken by the one consumer that the broker allows at a
//! time, and what is not wanted goes back.

use super::{
    Core,
    limit::{Fault, within},
    wire::{Arrived, Mark},
};
use futures::StreamExt;
use lapin::{
    Acker, Channel, Consumer,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use segue_domain::Timestamp;
use segue_ports::bus::{BusError, DeadLetter};
use std::{collections::HashSet, time::Duration};
use tokio::time::Instant;

/// Dead letters that one call lists, as the port says.
const LISTED: usize = 1000;
/// Dead letters that are looked through for one of them: a channel's longest prefetch.
const SEARCHED: usize = 65_535;
/// How long the next of them may take to come.
const SILENCE: Duration = Duration::from_secs(1);
/// Pause while another process looks through the queue.
const TURN: Duration = Duration::from_millis(100);

/// What to do with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    Drop,
}

/// A dead letter in our hands.
struct Body {
    letter: DeadLetter,
    died: Option<Timestamp>,
    acker: Acker,
}

/// All dead letters of a queue in our hands.
struct Opened {
    channel: Channel,
    consumer: Option<Consumer>,
    bodies: Vec<Body>,
}

/// Oldest first; a letter that came twice (a copy whose original was not acknowledged) is one.
pub(super) async fn list(core: &Core, queue: &str) -> Result<Vec<DeadLetter>, BusError> {
    let Some(mut opened) = open(core, queue, LISTED).await? else { return Ok(Vec::new()) };
    let mut bodies = std::mem::take(&mut opened.bodies);
    give_back(core, opened, bodies.len()).await;
    // Looking puts them back in another order.
    bodies.sort_by_key(|body| body.died);
    let mut seen = HashSet::new();
    bodies.retain(|body| seen.insert(body.letter.id.clone()));
    Ok(bodies.into_iter().map(|body| body.letter).collect())
}

/// Does it to the letter with this id; false when there is none.
pub(super) async fn judge(core: &Core, queue: &str, id: &str, verdict: Verdict) -> Result<bool, BusError> {
    let Some(mut opened) = open(core, queue, SEARCHED).await? else { return Ok(false) };
    let (found, others): (Vec<Body>, Vec<Body>) =
        std::mem::take(&mut opened.bodies).into_iter().partition(|body| body.letter.id == id);
    let done = async {
        let Some(first) = found.first() else { return Ok(false) };
        if verdict == Verdict::Retry {
            core.transfer(core.topology.names.work(queue), &first.letter.message, Mark::Fresh).await?;
        }
        for body in &found {
            within(core.limit, "acknowledging", body.acker.ack(BasicAckOptions::default())).await?;
        }
        Ok(true)
    }
    .await;
    let left = if matches!(done, Ok(true)) { others.len() } else { others.len() + found.len() };
    give_back(core, opened, left).await;
    done
}

/// Takes all of them, up to a number; `None` when there is no such queue.
async fn open(core: &Core, queue: &str, most: usize) -> Result<Option<Opened>, BusError> {
    let deadline = Instant::now() + core.limit;
    let name = core.topology.names.dead(queue);
    if name.len() > 255 {
        return Ok(None);
    }
    loop {
        let session = core.consuming.session_within(core.limit).await?;
        let channel = session.channel().await?;
        match take(core, &channel, queue, &name, most).await {
            Ok((consumer, bodies)) => return Ok(Some(Opened { channel, consumer, bodies })),
            Err(fault) if fault.code() == Some(404) => return Ok(None),
            // Somebody else looks through it.
            Err(fault) if fault.code() == Some(403) && Instant::now() < deadline => {
                tracing::debug!(queue, "dead letters are being looked through by another");
                tokio::time::sleep(TURN).await;
            }
            Err(fault) => return Err(fault.into()),
        }
    }
}

async fn take(
    core: &Core,
    channel: &Channel,
    queue: &str,
    name: &str,
    most: usize,
) -> Result<(Option<Consumer>, Vec<Body>), Fault> {
    let count = count(core, channel, name).await?.min(most);
    if count == 0 {
        return Ok((None, Vec::new()));
    }
    let qos = channel.basic_qos(count as u16, BasicQosOptions::default());
    within(core.limit, "setting the prefetch", qos).await?;
    let options = BasicConsumeOptions { exclusive: true, ..Default::default() };
    let consumed = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
    let mut consumer = within(core.limit, "looking through a queue", consumed).await?;
    let mut bodies = Vec::new();
    while bodies.len() < count {
        match tokio::time::timeout(SILENCE, consumer.next()).await {
            Ok(Some(Ok(delivery))) => bodies.push(body(queue, delivery)),
            Ok(Some(Err(error))) => return Err(Fault::Broker("looking through a queue", error)),
            Ok(None) | Err(_) => break,
        }
    }
    Ok((Some(consumer), bodies))
}

async fn count(core: &Core, channel: &Channel, name: &str) -> Result<usize, Fault> {
    let options = QueueDeclareOptions::durable().passive();
    let looked = channel.queue_declare(name.into(), options, FieldTable::default());
    Ok(within(core.limit, "looking at a queue", looked).await?.message_count() as usize)
}

/// Gives back what was not acknowledged, and waits until it is back: who looks next wants to see it.
async fn give_back(core: &Core, opened: Opened, left: usize) {
    let Opened { channel, consumer, .. } = opened;
    let back = async {
        let Some(consumer) = consumer else { return Ok(()) };
        // First, or they would be sent here again.
        let cancel = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
        within(core.limit, "cancelling a consumer", cancel).await?;
        let all = BasicNackOptions { multiple: true, requeue: true };
        within(core.limit, "giving dead letters back", channel.basic_nack(0, all)).await?;
        let name = consumer.queue();
        let deadline = Instant::now() + SILENCE;
        while count(core, &channel, name.as_str()).await? < left && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        within(core.limit, "closing a channel", channel.close(200, "OK".into())).await
    };
    if let Err(error) = back.await {
        tracing::debug!(%error, "dead letters were not given back in order");
    }
}

fn body(queue: &str, mut delivery: lapin::message::Delivery) -> Body {
    let arrived = Arrived::take(&mut delivery);
    let reason = match (arrived.failures, &arrived.broker_reason, arrived.reason) {
        // Made by us.
        (Some(_), _, reason) => reason.unwrap_or_default(),
        (None, Some(broker), last) => {
            let why = match broker.as_str() {
                "delivery_limit" => "delivered more than 20 times without an answer".to_owned(),
                other => format!("made a dead letter by the broker: {other}"),
            };
            last.map_or(why.clone(), |last| format!("{why}; the last failure was: {last}"))
        }
        (None, None, reason) => reason.unwrap_or_else(|| "put here by another program".into()),
    };
    let letter = DeadLetter {
        id: arrived.message.id.clone(),
        queue: queue.to_owned(),
        reason,
        // The broker counts deliveries; failures of the message itself are those before the last attempt.
        failures: arrived.failures.unwrap_or(arrived.attempt - 1),
        message: arrived.message,
    };
    Body { letter, died: arrived.died, acker: delivery.acker }
}
