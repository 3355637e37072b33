//! The change relay: it carries facts from the outbox tables to the bus, at least once and in the order in
//! which they were committed per subject. It owns its cursors, and it alone removes rows from the outbox tables.
//! It never decodes a fact, and it never skips one: while the bus is away it waits.
//!
//! Facts come from a source: the embedded store's tables by row id (the order of row ids in SQLite is the order
//! of commits, because there is one writer), PostgreSQL's log by logical replication, or its tables by polling.
//! On PostgreSQL no number that is drawn before the commit may serve as a cursor: it would skip late commits.
//!
//! Metrics: `segue_cdc_active` (1 on the one that carries), `segue_cdc_lag_seconds` (age of the oldest fact in hand),
//! `segue_cdc_lag_rows` (embedded), `segue_cdc_slot_lag_bytes` (log not yet confirmed), `segue_cdc_slot_kept_bytes`
//! (log that the slot makes the server keep), `segue_cdc_published_total`, `segue_cdc_failures_total`,
//! `segue_cdc_gaps_total` and `segue_cdc_gap_facts_total` (slots that were lost, and what was read from the tables for
//! them), `segue_cdc_pruned_total`.
#![forbid(unsafe_code)]

mod carry;
mod config;
mod database;
mod embedded;
mod endpoint;
mod error;
mod fact;
mod migration;
mod patroni;
mod postgres;
mod progress;
mod relay;
mod source;
mod trace;

pub use config::{CdcConfig, Source};
pub use database::Database;
pub use error::RelayError;
pub use relay::{Deps, Relay};
