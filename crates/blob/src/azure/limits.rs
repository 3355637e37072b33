//! How long a call may take, and how often it is tried.

use super::{config::AzureConfigError, failure::Failure};
use schemars::JsonSchema;
use segue_domain::ObjectName;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;

/// The slowest connection that is allowed for, bytes a second: what is sent adds to the time of its call.
const SLOWEST: u64 = 128 << 10;
/// The first wait between two tries; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Times of calls to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AzureTimeouts {
    /// To connect, milliseconds.
    pub connect_ms: u64,
    /// One try of a call, up to its answer (of a read: up to its first byte), milliseconds. A second is added for
    /// each 128 KiB that are sent.
    pub attempt_ms: u64,
    /// A call with all its tries, milliseconds; grows like `attempt_ms`.
    pub call_ms: u64,
    /// Between two pieces of a body that is read, milliseconds.
    pub idle_ms: u64,
    /// How often a call is tried, at least 1.
    pub tries: u32,
}

impl Default for AzureTimeouts {
    fn default() -> Self {
        Self { connect_ms: 2_000, attempt_ms: 5_000, call_ms: 15_000, idle_ms: 5_000, tries: 3 }
    }
}

impl AzureTimeouts {
    pub(super) fn check(&self) -> Result<(), AzureConfigError> {
        for (key, ms) in [
            ("timeouts.connect_ms", self.connect_ms),
            ("timeouts.attempt_ms", self.attempt_ms),
            ("timeouts.call_ms", self.call_ms),
            ("timeouts.idle_ms", self.idle_ms),
        ] {
            if !(1..=600_000).contains(&ms) {
                return Err(AzureConfigError::new(key, "must be from 1 to 600000 milliseconds"));
            }
        }
        match self.tries {
            1..=10 => Ok(()),
            _ => Err(AzureConfigError::new("timeouts.tries", "must be from 1 to 10")),
        }
    }
    pub(super) fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }
    pub(super) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }
}

/// A call, for logs, spans and metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// What is done, such as "put".
    pub(super) name: &'static str,
    /// To which object.
    pub(super) object: Option<&'a ObjectName>,
    /// Bytes that are sent.
    pub(super) bytes: usize,
    /// Whether it is tried again after a failure behind which it may have had its effect.
    pub(super) repeatable: bool,
}

impl<'a> Call<'a> {
    /// A call that may be repeated.
    pub(super) fn new(name: &'static str, object: impl Into<Option<&'a ObjectName>>) -> Self {
        Self { name, object: object.into(), bytes: 0, repeatable: true }
    }
    fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "blob",
            otel.name = %format_args!("blob {}", self.name),
            otel.kind = "client",
            blob.object = self.object.map(tracing::field::display),
        )
    }
}

/// The end of a call that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// Why the last try failed.
    pub(super) failure: Failure,
    /// An earlier try may have had its effect.
    pub(super) may_be_done: bool,
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        failed.failure
    }
}

impl AzureTimeouts {
    /// Tries a call until it succeeds, cannot succeed, or time or tries are used up.
    pub(super) async fn run<T, F>(&self, call: Call<'_>, attempt: impl Fn() -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let result = self.tries(call, attempt).instrument(call.span()).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(failed) if failed.failure.is_transient() => "unavailable",
            Err(_) => "refused",
        };
        let seconds = started.elapsed().as_secs_f64();
        metrics::histogram!("segue_blob_call_seconds", "call" => call.name, "outcome" => outcome)
            .record(seconds);
        result
    }

    async fn tries<T, F>(&self, call: Call<'_>, attempt: impl Fn() -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let extra = Duration::from_secs(call.bytes as u64 / SLOWEST);
        let one = Duration::from_millis(self.attempt_ms) + extra;
        let end = Instant::now() + Duration::from_millis(self.call_ms) + extra;
        let mut may_be_done = false;
        let mut wait = FIRST_WAIT;
        let mut tried = 0;
        loop {
            tried += 1;
            let limit = end.min(Instant::now() + one);
            let failure = match timeout_at(limit, attempt()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimedOut(one),
            };
            let pause = wait.mul_f64(rand::random_range(0.5..1.5));
            let again = tried < self.tries
                && failure.is_transient()
                && (call.repeatable || !failure.may_be_done())
                && Instant::now() + pause < end;
            if !again {
                return Err(Failed { failure, may_be_done });
            }
            may_be_done |= failure.may_be_done();
            tracing::debug!(call = call.name, error = %failure, "blob call is tried again");
            metrics::counter!("segue_blob_retries_total", "call" => call.name).increment(1);
            sleep(pause).await;
            wait *= 3;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn tries_of(call: Call<'_>, failure: Failure) -> (u32, Failed) {
        let tries = AtomicU32::new(0);
        let timeouts = AzureTimeouts::default();
        let failed = timeouts.run::<(), _>(call, || async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(failure.clone())
        });
        let failed = failed.await.expect_err("it always fails");
        (tries.into_inner(), failed)
    }

    fn refused(status: u16) -> Failure {
        Failure::Refused { status, code: String::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn tries_again_where_that_may_help_and_cannot_harm() {
        let call = Call::new("put", None);
        let (tries, failed) = tries_of(call, Failure::Broken("reset".into())).await;
        assert_eq!((tries, failed.may_be_done), (3, true));
        assert_eq!(tries_of(call, refused(503)).await.0, 3);
        assert!(!tries_of(call, refused(503)).await.1.may_be_done, "a busy service has done nothing");
        assert_eq!(tries_of(call, refused(403)).await.0, 1);
        let once = Call { repeatable: false, ..call };
        assert_eq!(tries_of(once, Failure::Broken("reset".into())).await.0, 1);
        assert_eq!(tries_of(once, Failure::Connect("refused".into())).await.0, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_in_time() {
        let timeouts = AzureTimeouts::default();
        let started = Instant::now();
        let failed = timeouts.run::<(), _>(Call::new("head", None), std::future::pending).await;
        assert!(matches!(failed.expect_err("no answer").failure, Failure::TimedOut(_)));
        assert!(started.elapsed() <= Duration::from_millis(timeouts.call_ms), "{:?}", started.elapsed());
        let large = Call { bytes: 1 << 20, ..Call::new("put", None) };
        let slow = timeouts.run(large, || async {
            sleep(Duration::from_secs(9)).await;
            Ok(())
        });
        slow.await.expect("a large body has more time");
    }
}
