//! Whether this process takes work, and why not.

use segue_mesh::Ready;
use std::{
    fmt::Display,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const EVERY: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(2);
/// Failures in a row before a part counts as away: one lost packet is no outage.
const FAILURES: u32 = 2;

/// Off until everything is up, and off again as soon as shutdown begins; between, as ready as the parts that the roles
/// of this process cannot work without. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    up: Arc<AtomicBool>,
    parts: Arc<RwLock<Vec<(&'static str, Probe)>>>,
}

/// What is known of one part. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Probe(Arc<AtomicBool>);

impl Probe {
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }
}

impl Readiness {
    pub(crate) fn set(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }

    /// Another part, not ready until somebody says so. The same name is the same part.
    pub(crate) fn part(&self, name: &'static str) -> Probe {
        let mut parts = self.parts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, probe)) = parts.iter().find(|(known, _)| *known == name) {
            return probe.clone();
        }
        let probe = Probe::default();
        parts.push((name, probe.clone()));
        probe
    }

    /// Asks a part once a second how it does, until shutdown.
    pub(crate) fn watch<F, E>(
        &self,
        name: &'static str,
        (tasks, stop): (&TaskTracker, &CancellationToken),
        check: impl Fn() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send,
        E: Display + Send,
    {
        let probe = self.part(name);
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            let mut failures = FAILURES;
            loop {
                let wrong = match tokio::time::timeout(LIMIT, check()).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("no answer in time".to_owned()),
                };
                match wrong {
                    None => {
                        if failures >= FAILURES {
                            tracing::info!(part = name, "ready");
                        }
                        failures = 0;
                        probe.set(true);
                    }
                    Some(error) => {
                        failures += 1;
                        if failures == FAILURES {
                            tracing::warn!(part = name, error, "not ready");
                            probe.set(false);
                        }
                    }
                }
                tokio::time::sleep(EVERY).await;
            }
        }));
    }

    /// For `/readyz` and the health service.
    pub(crate) fn of(&self, services: &[&'static str]) -> Ready {
        let (readiness, services) = (self.clone(), services.to_vec());
        Arc::new(move || {
            let up = readiness.up.load(Ordering::SeqCst);
            let parts = readiness.parts.read().unwrap_or_else(PoisonError::into_inner);
            let mut lines = vec![("process".to_owned(), up)];
            lines.extend(
                parts.iter().map(|(name, probe)| ((*name).to_owned(), probe.0.load(Ordering::SeqCst))),
            );
            let all = lines.iter().all(|(_, ok)| *ok);
            lines.extend(services.iter().map(|service| ((*service).to_owned(), all)));
            lines
        })
    }
}
