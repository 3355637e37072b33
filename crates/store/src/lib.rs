//! The database under every role: pools, transactions that write an outbox, and the migration runner.
//!
//! It owns the outbox tables and nothing else; what two roles keep alike is written here once ([`GoneOwners`]), with
//! a table of each. Each role brings the entities, repository and migrations of its
//! own tables and never reads another's. SQLite (embedded) and PostgreSQL answer the same queries.
//!
//! Rules that keep sharding possible: every repository call takes the [`ShardKey`]; one aggregate per
//! transaction; no join across aggregates; every unique constraint contains the shard key; ids and times
//! are bound by the program and never computed in SQL. `cargo xtask sql-rules` holds every statement that tests
//! send against them.
//!
//! On PostgreSQL a monitor finds the primary and the replicas, and finds them again after a failover. So a connection is
//! the choice of a moment: take it from [`Store::reader`] or [`Store::primary`] inside [`Store::read`], [`Store::read_through`]
//! or [`Store::retry`], which try again within the caller's deadline. A transaction that wrote a fact knows what became of
//! it even when the answer to its commit was lost.
#![forbid(unsafe_code)]

mod config;
mod error;
mod gone;
mod group;
mod migrate;
pub mod outbox;
mod pool;
mod retry;
mod settle;
mod shard;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;
mod url;

pub use config::StoreConfig;
pub use error::StoreError;
pub use gone::{GoneOwners, Succession};
pub use outbox::Outbox;
pub use retry::Tries;
pub use shard::ShardKey;
pub use store::{Hooks, Store};
pub use transaction::Transaction;
pub use url::DatabaseUrl;
