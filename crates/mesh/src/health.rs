//! The health service of a process: it says what `/readyz` says, for each service and for all of them.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::Mutex;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The parts of a process and whether each is ready. A part with the name of a service speaks for it in the health
/// service; every part counts for the process. Asked often, so it must be cheap and must not block.
pub type Ready = Arc<dyn Fn() -> Vec<(String, bool)> + Send + Sync>;

const INTERVAL: Duration = Duration::from_secs(1);

struct Health {
    ready: Ready,
    reporter: HealthReporter,
    services: Vec<String>,
    /// What was reported last: watchers hear of changes only.
    reported: Mutex<Vec<Option<bool>>>,
}

impl Health {
    async fn report(&self) {
        let parts = (self.ready)();
        let all = parts.iter().all(|(_, ok)| *ok);
        let mut reported = self.reported.lock().await;
        for (service, last) in self.services.iter().zip(reported.iter_mut()) {
            // A service is as ready as the part of its name; parts it stands on count for all.
            let ok = parts.iter().find(|(name, _)| name == service).map_or(all, |(_, ok)| *ok);
            if last.replace(ok) != Some(ok) {
                let status = if ok { ServingStatus::Serving } else { ServingStatus::NotServing };
                self.reporter.set_service_status(service, status).await;
            }
        }
    }
}

/// The service, for "" (all) and each of `services`. Fresh at every call, and once a second for those who watch.
/// The task that sees to it ends with the router.
pub fn health_router(ready: Ready, services: Vec<String>) -> Router {
    let (reporter, service) = tonic_health::server::health_reporter();
    let services: Vec<String> = std::iter::once(String::new()).chain(services).collect();
    let reported = Mutex::new(vec![None; services.len()]);
    let health = Arc::new(Health { ready, reporter, services, reported });
    tokio::spawn(keep_reporting(Arc::downgrade(&health)));
    Routes::new(service).prepare().into_axum_router().reset_fallback().layer(middleware::from_fn_with_state(
        health,
        async |State(health): State<Arc<Health>>, request: Request, next: Next| -> Response {
            health.report().await;
            next.run(request).await
        },
    ))
}

async fn keep_reporting(health: Weak<Health>) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match health.upgrade() {
            Some(health) => health.report().await,
            None => return,
        }
    }
}
