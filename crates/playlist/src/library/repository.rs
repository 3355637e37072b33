//! The tables of the library, behind methods that take the shard key.

mod change;
mod likes;
mod played;
mod plays;
mod popularity;
mod stats;
mod sweep;
mod tallies;

pub(crate) use change::Libraries;
pub(crate) use likes::Likes;
pub(crate) use played::{Order, Position};
pub(crate) use plays::{Heard, Plays};
pub(crate) use popularity::Popularity;
pub(crate) use stats::{Applied, Stats};
pub(crate) use tallies::{Pending, Tally};

use sea_orm::{QueryResult, prelude::Uuid};
use segue_store::StoreError;

/// A count, which is never below zero.
fn count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(StoreError::corrupt)
}

fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: &str) -> Result<T, StoreError> {
    Ok(row.try_get("", column)?)
}

/// An id in a column.
fn id<T>(uuid: Uuid, read: fn(Uuid) -> Result<T, segue_domain::IdError>) -> Result<T, StoreError> {
    read(uuid).map_err(StoreError::corrupt)
}
