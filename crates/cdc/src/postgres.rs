//! The outbox tables of PostgreSQL: read from the replication stream, or by polling.

mod gap;
mod identity;
pub(crate) mod pgoutput;
mod polling;
mod primary;
mod provision;
mod prune;
mod published;
mod replication;
mod row;
mod session;
mod slot;
mod snapshot;
mod upkeep;

pub(crate) use provision::provision;
pub(crate) use session::Session;
