//! The change relay: it carries facts from the outbox tables to the bus, at least once and in the order in
//! which they were committed. It owns its cursors, and it alone removes rows from the outbox tables. It never
//! decodes a fact, and it never skips one: while the bus is away it waits.
//!
//! This is the relay of the embedded store. The order of row ids in SQLite is the order of commits, because
//! there is one writer; on PostgreSQL it is not, and a relay that reads by a sequence would lose facts.
#![forbid(unsafe_code)]

mod error;
mod migration;
mod outbox_table;
mod relay;

pub use error::RelayError;
pub use relay::{Deps, Relay};
