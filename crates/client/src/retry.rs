//! Trying again: exponential backoff with jitter, for as long as the caller has patience.

use crate::ClientError;
use rand::RngExt;
use std::{future::Future, time::Duration};
use tokio::time::Instant;

/// How long a client goes on trying while a server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience(pub Duration);

impl Default for Patience {
    /// Two minutes: longer than a restart takes.
    fn default() -> Self {
        Self(Duration::from_secs(120))
    }
}

impl Patience {
    /// Calls until it works, until the error is one that trying again cannot help, or until patience ends.
    pub async fn retry<T, F, Fut>(self, mut call: F) -> Result<T, ClientError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, ClientError>>,
    {
        let end = Instant::now() + self.0;
        let mut wait = Duration::from_millis(100);
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause =
                error.retry_after().unwrap_or_default().max(wait.mul_f64(rand::rng().random_range(0.5..1.0)));
            if !error.is_transient() || Instant::now() + pause >= end {
                return Err(error);
            }
            tracing::debug!(%error, pause_ms = pause.as_millis() as u64, "trying again");
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }
}
