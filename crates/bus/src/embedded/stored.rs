//! Messages as they lie in the file.

use sea_orm::sqlx::{Error, Row, sqlite::SqliteRow};
use segue_ports::bus::{DeadLetter, Message};

/// The columns that [`Stored::from_row`] wants, in this order.
macro_rules! stored_columns {
    () => {
        "number, id, topic, key, payload, traceparent, failures, deliveries"
    };
}
pub(crate) use stored_columns;

/// A message of a queue.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Its place in the order of publication.
    pub(crate) number: i64,
    pub(crate) message: Message,
    /// Failures of the message itself.
    pub(crate) failures: u32,
    /// Deliveries since the last answer of a consumer.
    pub(crate) deliveries: u32,
    /// True when the delivery that is to come was already counted, and no consumer has seen the message since.
    pub(crate) counted: bool,
}

impl Stored {
    pub(crate) fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        Ok(Self {
            number: row.try_get(0)?,
            message: message(row)?,
            failures: row.try_get(6)?,
            deliveries: row.try_get(7)?,
            counted: false,
        })
    }
}

/// A dead letter: number, the message, reason, failures.
pub(crate) fn dead_letter(queue: &str, row: &SqliteRow) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: row.try_get::<i64, _>(0)?.to_string(),
        queue: queue.to_owned(),
        message: message(row)?,
        reason: row.try_get(6)?,
        failures: row.try_get(7)?,
    })
}

/// Columns 1 to 5.
fn message(row: &SqliteRow) -> Result<Message, Error> {
    Ok(Message {
        id: row.try_get(1)?,
        topic: row.try_get(2)?,
        key: row.try_get(3)?,
        payload: row.try_get::<Vec<u8>, _>(4)?.into(),
        traceparent: row.try_get(5)?,
    })
}
