//! Budgets that several processes draw from: token buckets that are kept in one place.

use async_trait::async_trait;
use std::{fmt::Debug, sync::Arc, time::Duration};

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Tokens per second, above zero.
    pub per_second: f64,
    /// Tokens when it is full, at least 1.
    pub burst: u32,
}

impl Bucket {
    /// How many spilled tokens are remembered: as many as two processes use before they say so, which is up to a tenth of
    /// a limit under 100, else up to a twentieth and at least 50.
    pub fn spill(&self) -> u32 {
        match self.burst {
            small @ ..100 => (small / 5).max(2),
            large => (large / 10).max(100),
        }
    }
}

/// The engine is away, slow or broken: go on with a budget of this process alone.
#[derive(Debug, Clone, thiserror::Error)]
#[error("shared budgets are unavailable: {0}")]
pub struct BudgetError(pub Arc<dyn std::error::Error + Send + Sync>);

impl BudgetError {
    /// An engine's failure.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

/// Shared buckets.
#[async_trait]
pub trait Budgets: Debug + Send + Sync + 'static {
    /// Takes what was used since the last call out of a bucket and says how many tokens it holds then, a negative
    /// number when more was used than there was; never below minus the burst. A bucket that nobody knows is full.
    ///
    /// Use is said late: `age` is how long ago the first of it was. A bucket that was full meanwhile has spilled tokens
    /// that it would have kept, had it been told at once; up to [`Bucket::spill`] of them pay for what is said late.
    /// Takes some milliseconds at most. After an error the tokens may or may not have been taken.
    async fn charge(&self, key: &str, used: u32, age: Duration, bucket: Bucket) -> Result<f64, BudgetError>;
}
