//! Shared budgets: token buckets in Redis, by its clock.

use super::{Away, Redis, script, text};
use async_trait::async_trait;
use bytes::Bytes;
use segue_ports::budget::{Bucket, BudgetError, Budgets};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
#[error("redis is slow or away")]
struct Unavailable;

#[async_trait]
impl Budgets for Redis {
    async fn charge(&self, key: &str, used: u32, age: Duration, bucket: Bucket) -> Result<f64, BudgetError> {
        let keys = [format!("segue:b:{{{key}}}")];
        let arguments: Vec<Bytes> = vec![
            text(used),
            text(bucket.per_second),
            text(bucket.burst),
            text(age.as_secs_f64()),
            text(bucket.spill()),
        ];
        let charged =
            self.call(self.deadline(), Box::pin(script::CHARGE.run(&self.0.quick, &keys, arguments))).await;
        let tokens: String = charged.map_err(|Away| BudgetError::new(Unavailable))?;
        tokens.parse().map_err(BudgetError::new)
    }
}
