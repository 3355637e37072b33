//! Messages as they are on the wire.
//!
//! What a message is travels in headers and not in the routing key, which retries and dead-lettering change. Copies
//! are made from the message alone: the broker's own headers (x-death) on a copy would confuse it.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};
use segue_domain::Timestamp;
use segue_ports::bus::{BusError, Message};
use std::hash::{DefaultHasher, Hash, Hasher};

const TOPIC: &str = "segue-topic";
const KEY: &str = "segue-key";
const TRACE: &str = "traceparent";
const ATTEMPT: &str = "segue-attempt";
const REASON: &str = "segue-reason";
const FAILURES: &str = "segue-failures";
const DIED: &str = "segue-died-ms";

/// Longest reason that is kept, bytes.
const LONGEST_REASON: usize = 2000;
/// What AMQP's short strings take, bytes.
const SHORT: usize = 255;
/// Written to disk / kept in memory.
const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// What a copy says beside the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// Published, or tried again as if it were.
    Fresh,
    /// Only announced.
    Transient,
    /// For this attempt, after the failure that is told.
    Attempt(u32, &'a str),
    /// Dead after so many failures.
    Dead { failures: u32, reason: &'a str, at: Timestamp },
}

/// Refuses what does not fit.
pub(super) fn check(message: &Message) -> Result<(), BusError> {
    match [&message.id, &message.topic].into_iter().find(|text| text.len() > SHORT) {
        Some(_) => Err(BusError::Refused("a message's id and topic have at most 255 bytes each".into())),
        None => Ok(()),
    }
}

pub(super) fn properties(message: &Message, mark: Mark<'_>) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(TOPIC.into(), text(&message.topic));
    headers.insert(KEY.into(), text(&message.key));
    if let Some(trace) = &message.traceparent {
        headers.insert(TRACE.into(), text(trace));
    }
    match mark {
        Mark::Fresh | Mark::Transient => {}
        Mark::Attempt(attempt, reason) => {
            headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(attempt.into()));
            headers.insert(REASON.into(), text(cut(reason)));
        }
        Mark::Dead { failures, reason, at } => {
            headers.insert(FAILURES.into(), AMQPValue::LongLongInt(failures.into()));
            headers.insert(REASON.into(), text(cut(reason)));
            headers.insert(DIED.into(), AMQPValue::LongLongInt(at.millis()));
        }
    }
    BasicProperties::default()
        .with_message_id(ShortString::from(message.id.as_str()))
        .with_delivery_mode(if mark == Mark::Transient { TRANSIENT } else { PERSISTENT })
        .with_headers(headers)
}

/// What came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) message: Message,
    /// From 1.
    pub(super) attempt: u32,
    /// What the last failure said, when there was one.
    pub(super) reason: Option<String>,
    /// Set by us on dead letters.
    pub(super) failures: Option<u32>,
    /// When it became a dead letter.
    pub(super) died: Option<Timestamp>,
    /// Why the broker made it a dead letter by itself.
    pub(super) broker_reason: Option<String>,
}

impl Arrived {
    /// Takes any message apart, also one that another program published.
    pub(super) fn take(delivery: &mut Delivery) -> Self {
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let payload = Bytes::from(std::mem::take(&mut delivery.data));
        let id = match delivery.properties.message_id() {
            Some(id) => id.to_string(),
            // The same for every delivery of it.
            None => unnamed(&payload),
        };
        let number = |name: &str| whole(&headers, name);
        let small = |name: &str| number(name).and_then(|n| u32::try_from(n).ok());
        let message = Message {
            id,
            topic: string(&headers, TOPIC).unwrap_or_else(|| delivery.routing_key.to_string()),
            key: string(&headers, KEY).unwrap_or_default(),
            payload,
            traceparent: string(&headers, TRACE),
        };
        Self {
            message,
            attempt: small(ATTEMPT).unwrap_or(1).max(1),
            reason: string(&headers, REASON),
            failures: small(FAILURES),
            died: number(DIED).map(Timestamp).or_else(|| broker_time(&headers)),
            broker_reason: string(&headers, "x-first-death-reason"),
        }
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(LONGEST_REASON)]
}

fn string(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn whole(headers: &FieldTable, name: &str) -> Option<i64> {
    match headers.inner().get(name)? {
        AMQPValue::LongLongInt(n) => Some(*n),
        AMQPValue::LongInt(n) => Some((*n).into()),
        AMQPValue::LongUInt(n) => Some((*n).into()),
        _ => None,
    }
}

/// The newest entry of x-death comes first; its time is in seconds.
fn broker_time(headers: &FieldTable) -> Option<Timestamp> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(newest) = deaths.as_slice().first()? else { return None };
    match newest.inner().get("time")? {
        AMQPValue::Timestamp(seconds) => Some(Timestamp::from_seconds(i64::try_from(*seconds).ok()?)),
        _ => None,
    }
}

fn unnamed(payload: &Bytes) -> String {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    format!("unnamed-{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            id: "id".into(),
            topic: "song.ready.v1".into(),
            key: "key".into(),
            payload: Bytes::from_static(b"payload"),
            traceparent: Some("00-1-2-01".into()),
        }
    }

    fn through(mark: Mark<'_>) -> Arrived {
        let mut delivery = Delivery::mock(1, "".into(), "changed".into(), false, b"payload".to_vec());
        delivery.properties = properties(&message(), mark);
        Arrived::take(&mut delivery)
    }

    #[test]
    fn a_message_arrives_as_it_was_sent_whatever_its_routing_key_became() {
        let fresh = through(Mark::Fresh);
        assert_eq!((fresh.message, fresh.attempt, fresh.reason), (message(), 1, None));
        let second = through(Mark::Attempt(2, "boom"));
        assert_eq!((second.message, second.attempt, second.reason.as_deref()), (message(), 2, Some("boom")));
        let dead = through(Mark::Dead { failures: 3, reason: &"é".repeat(5000), at: Timestamp(7) });
        assert_eq!((dead.failures, dead.died), (Some(3), Some(Timestamp(7))));
        assert_eq!(dead.reason.unwrap().len(), LONGEST_REASON);
    }

    #[test]
    fn a_message_of_another_program_is_taken_too() {
        let mut delivery = Delivery::mock(1, "".into(), "some.topic".into(), false, b"x".to_vec());
        let first = Arrived::take(&mut delivery);
        assert_eq!((first.message.topic.as_str(), first.attempt), ("some.topic", 1));
        let mut again = Delivery::mock(2, "".into(), "some.topic".into(), true, b"x".to_vec());
        assert_eq!(Arrived::take(&mut again).message.id, first.message.id);
    }
}
