//! Closing a gap: the facts that a slot may have skipped are read from the tables.
//!
//! The slot is held and was made before this walk begins. So a fact that the walk does not see yet was committed
//! after the slot's first position, and comes by the stream. What both give is published twice.

use super::row::{self, Key};
use crate::{
    fact::Fact,
    source::{BATCH, SourceError},
};
use sea_orm::sqlx::PgConnection;
use segue_store::Outbox;

/// A walk over the rows that are not known to be published.
#[derive(Debug)]
pub(crate) struct Gap {
    horizon: i64,
    /// Tables that are not done.
    left: Vec<Outbox>,
    after: Key,
    found: u64,
}

impl Gap {
    pub(crate) fn new(horizon: i64) -> Self {
        Self { horizon, left: Outbox::ALL.to_vec(), after: Key::first(), found: 0 }
    }

    /// The next facts in order per subject; none when the walk is done. An error may be followed by another try.
    pub(crate) async fn next(&mut self, sql: &mut PgConnection) -> Result<Vec<Fact>, SourceError> {
        while let Some(outbox) = self.left.last().copied() {
            let rows = row::page(sql, outbox, Some(self.horizon), &self.after, BATCH).await?;
            match rows.last() {
                Some((key, _)) => {
                    self.after = key.clone();
                    self.found += rows.len() as u64;
                    return Ok(rows.into_iter().map(|(_, fact)| fact).collect());
                }
                None => {
                    self.left.pop();
                    self.after = Key::first();
                }
            }
        }
        Ok(Vec::new())
    }

    /// How many facts were given.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }
}
