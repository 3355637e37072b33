//! The database under every role: pools, transactions that write an outbox, and the migration runner.
//!
//! It owns the outbox tables and nothing else. Each role brings the entities, repository and migrations of its
//! own tables and never reads another's. SQLite (embedded) and PostgreSQL answer the same queries.
//!
//! Rules that keep sharding possible: every repository call takes the [`ShardKey`]; one aggregate per
//! transaction; no join across aggregates; every unique constraint contains the shard key; ids and times
//! are bound by the program and never computed in SQL.
#![forbid(unsafe_code)]

mod config;
mod error;
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
pub use outbox::Outbox;
pub use retry::Tries;
pub use shard::ShardKey;
pub use store::{Hooks, Store};
pub use transaction::Transaction;
pub use url::DatabaseUrl;
