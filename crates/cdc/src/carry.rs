//! The loop: read, publish, remember.

use crate::{
    Deps,
    fact::Fact,
    progress::Progress,
    source::{ChangeSource, SourceError},
    trace::messages,
};
use segue_ports::bus::BusError;
use segue_store::Outbox;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// First wait after a failure; doubles up to [`LONGEST_WAIT`].
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// For how long the bus may be silent before a publish counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("bus did not confirm in time")]
    Silent,
}

/// Carries facts from a source to the bus until `shutdown`; what is on its way then is finished first, for at
/// most 10 s. A bus that fails is tried again for ever, with the same facts: none is skipped.
///
/// # Errors
/// When the source fails. What was published and not remembered comes again from the next source.
pub(crate) async fn carry(
    source: &mut dyn ChangeSource,
    deps: &Deps,
    progress: &Progress,
    shutdown: &CancellationToken,
) -> Result<(), SourceError> {
    loop {
        let facts = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            facts = source.next() => facts?,
        };
        lag(deps, &facts);
        if !facts.is_empty() {
            (deps.crash)("relay-before-publish");
            if !publish(deps, &facts, shutdown).await {
                return Ok(());
            }
            (deps.crash)("relay-published");
            source.confirm().await?;
            for outbox in Outbox::ALL {
                let count = facts.iter().filter(|fact| fact.outbox == outbox).count();
                metrics::counter!("segue_cdc_published_total", "outbox" => outbox.table())
                    .increment(count as u64);
            }
        }
        progress.round(facts.len());
    }
}

/// Publishes until the bus confirmed. False when `shutdown` came before that.
async fn publish(deps: &Deps, facts: &[Fact], shutdown: &CancellationToken) -> bool {
    let mut wait = FIRST_WAIT;
    let (messages, _spans) = messages(facts);
    loop {
        let published = timeout(PATIENCE, deps.bus.publish(messages.clone())).await;
        let error = match published.map_err(|_| PublishError::Silent) {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.into(),
            Err(error) => error,
        };
        tracing::warn!(%error, facts = facts.len(), wait_ms = wait.as_millis() as u64, "relay waits for the bus");
        metrics::counter!("segue_cdc_failures_total", "of" => "bus").increment(1);
        lag(deps, facts);
        tokio::select! {
            () = shutdown.cancelled() => return false,
            () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
    }
}

/// Age of the oldest fact that waits, per outbox.
fn lag(deps: &Deps, facts: &[Fact]) {
    let now = deps.clock.now();
    for outbox in Outbox::ALL {
        let waiting = facts.iter().filter(|fact| fact.outbox == outbox);
        let age = waiting.map(|fact| now.since(fact.created_at)).max().unwrap_or_default();
        metrics::gauge!("segue_cdc_lag_seconds", "outbox" => outbox.table()).set(age.as_secs_f64());
    }
}
