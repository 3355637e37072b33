//! The part of pgoutput (protocol version 1, binary values) that carries inserted rows of outbox tables.
//!
//! Source: PostgreSQL 15 documentation, section 55.9 "Logical Replication Message Formats". Begin, Commit and
//! keepalives are told apart by the client library. Strict: what is not understood ends the stream, because a
//! fact must never be skipped.

use crate::fact::Fact;
use bytes::{Buf, Bytes};
use segue_domain::Timestamp;
use segue_ports::bus::Message;
use segue_store::Outbox;
use std::collections::HashMap;

/// Most columns of a table, and most tables of a publication, that are looked at.
const MOST_COLUMNS: usize = 64;
const MOST_RELATIONS: usize = 64;

const INT8: u32 = 20;
const BYTEA: u32 = 17;
const TEXT: u32 = 25;

/// Columns of an outbox table that are read, with their types.
const COLUMNS: [(&str, u32); 6] = [
    ("subject", TEXT),
    ("event_id", TEXT),
    ("type", TEXT),
    ("payload", BYTEA),
    ("traceparent", TEXT),
    ("created_at", INT8),
];

/// A message that is not as it should be. Not transient: the program and the database do not fit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    #[error("pgoutput message ends too early")]
    Truncated,
    #[error("pgoutput message has {0} bytes too many")]
    Trailing(usize),
    #[error("pgoutput text is not UTF-8")]
    NotUtf8,
    #[error("pgoutput message of unknown kind {0:#04x}")]
    UnknownMessage(u8),
    #[error("pgoutput value of column {column} is of unexpected kind {kind:#04x}")]
    UnexpectedValue { column: usize, kind: u8 },
    #[error("pgoutput row of a table that was not announced ({0})")]
    UnknownRelation(u32),
    #[error("outbox table {table} has no column {column} of the expected type")]
    Column { table: &'static str, column: &'static str },
    #[error("column {0} of an outbox row is null")]
    Null(&'static str),
    #[error("too many {0} in the publication")]
    TooMany(&'static str),
}

/// Where the columns of a table are; `None` for a table that is no outbox.
type Layout = Option<(Outbox, [usize; COLUMNS.len()])>;

/// Decodes the messages of one stream. It remembers what the stream said about tables.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    relations: HashMap<u32, Layout>,
}

impl Decoder {
    /// The fact in a message, when it inserts a row of an outbox table.
    pub(crate) fn decode(&mut self, mut message: Bytes) -> Result<Option<Fact>, Malformed> {
        match u8(&mut message)? {
            b'R' => self.relation(message).map(|()| None),
            b'I' => self.insert(message),
            // Types and origins say nothing that is needed. The publication is insert-only; were it not, rows
            // that this relay removes would come back as deletes.
            b'Y' | b'O' | b'U' | b'D' | b'T' => Ok(None),
            kind => Err(Malformed::UnknownMessage(kind)),
        }
    }

    fn relation(&mut self, mut message: Bytes) -> Result<(), Malformed> {
        let id = u32(&mut message)?;
        let _schema = cstr(&mut message)?;
        let table = cstr(&mut message)?;
        let _replica_identity = u8(&mut message)?;
        let count = usize::from(u16(&mut message)?);
        if count > MOST_COLUMNS {
            return Err(Malformed::TooMany("columns"));
        }
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            let _flags = u8(&mut message)?;
            let name = cstr(&mut message)?;
            let kind = u32(&mut message)?;
            let _modifier = u32(&mut message)?;
            columns.push((name, kind));
        }
        end(&message)?;
        let outbox = Outbox::ALL.into_iter().find(|outbox| outbox.table() == table);
        let Some(outbox) = outbox else {
            tracing::warn!(table, "publication has a table that is no outbox; its rows are ignored");
            return self.remember(id, None);
        };
        let mut places = [0; COLUMNS.len()];
        for (place, (name, kind)) in places.iter_mut().zip(COLUMNS) {
            let found = columns.iter().position(|(n, k)| n == name && *k == kind);
            *place = found.ok_or(Malformed::Column { table: outbox.table(), column: name })?;
        }
        self.remember(id, Some((outbox, places)))
    }

    fn remember(&mut self, id: u32, layout: Layout) -> Result<(), Malformed> {
        if self.relations.len() >= MOST_RELATIONS && !self.relations.contains_key(&id) {
            return Err(Malformed::TooMany("tables"));
        }
        self.relations.insert(id, layout);
        Ok(())
    }

    fn insert(&self, mut message: Bytes) -> Result<Option<Fact>, Malformed> {
        let id = u32(&mut message)?;
        let Some((outbox, places)) = self.relations.get(&id).ok_or(Malformed::UnknownRelation(id))? else {
            return Ok(None);
        };
        match u8(&mut message)? {
            b'N' => {}
            kind => return Err(Malformed::UnknownMessage(kind)),
        }
        let values = tuple(&mut message)?;
        end(&message)?;
        let [subject, event_id, topic, payload, traceparent, created_at] = places.map(|place| {
            // The tuple has the columns that were announced, so a place outside of it is a broken message.
            values.get(place).cloned().ok_or(Malformed::Truncated)
        });
        let required = |value: Option<Bytes>, name| value.ok_or(Malformed::Null(name));
        let mut created_at = required(created_at?, "created_at")?;
        let millis = i64(&mut created_at)?;
        end(&created_at)?;
        Ok(Some(Fact {
            outbox: *outbox,
            created_at: Timestamp(millis),
            message: Message {
                id: text(required(event_id?, "event_id")?)?,
                topic: text(required(topic?, "type")?)?,
                key: text(required(subject?, "subject")?)?,
                payload: required(payload?, "payload")?,
                traceparent: traceparent?.map(text).transpose()?,
            },
        }))
    }
}

/// The values of a row; `None` is NULL.
fn tuple(message: &mut Bytes) -> Result<Vec<Option<Bytes>>, Malformed> {
    let count = usize::from(u16(message)?);
    if count > MOST_COLUMNS {
        return Err(Malformed::TooMany("columns"));
    }
    (0..count)
        .map(|column| match u8(message)? {
            b'n' => Ok(None),
            b'b' => {
                let length = u32(message)? as usize;
                if message.len() < length {
                    return Err(Malformed::Truncated);
                }
                Ok(Some(message.split_to(length)))
            }
            kind => Err(Malformed::UnexpectedValue { column, kind }),
        })
        .collect()
}

fn u8(message: &mut Bytes) -> Result<u8, Malformed> {
    message.try_get_u8().map_err(|_| Malformed::Truncated)
}

fn u16(message: &mut Bytes) -> Result<u16, Malformed> {
    message.try_get_u16().map_err(|_| Malformed::Truncated)
}

fn u32(message: &mut Bytes) -> Result<u32, Malformed> {
    message.try_get_u32().map_err(|_| Malformed::Truncated)
}

fn i64(message: &mut Bytes) -> Result<i64, Malformed> {
    message.try_get_i64().map_err(|_| Malformed::Truncated)
}

fn cstr(message: &mut Bytes) -> Result<String, Malformed> {
    let length = message.iter().position(|byte| *byte == 0).ok_or(Malformed::Truncated)?;
    let name = message.split_to(length);
    message.advance(1);
    text(name)
}

fn text(bytes: Bytes) -> Result<String, Malformed> {
    String::from_utf8(bytes.into()).map_err(|_| Malformed::NotUtf8)
}

fn end(message: &Bytes) -> Result<(), Malformed> {
    match message.len() {
        0 => Ok(()),
        left => Err(Malformed::Trailing(left)),
    }
}

#[cfg(test)]
mod tests;
