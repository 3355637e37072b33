//! Tasks that keep a pool in step with the world, until it is gone.

use super::{endpoint::Endpoint, pool};
use futures::future::join_all;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const RESOLVE_EVERY: Duration = Duration::from_secs(5);
const RESOLVE_LIMIT: Duration = Duration::from_secs(2);
const CHECK_EVERY: Duration = Duration::from_secs(1);
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// Resolves host names again and again. A resolver that fails changes nothing.
pub(super) async fn names(pool: Weak<pool::Pool>) {
    let mut ticks = interval(RESOLVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        if pool.targets.iter().all(|t| pool::literal(t).is_some()) {
            return;
        }
        let mut addresses = Vec::new();
        let mut whole = true;
        for target in &pool.targets {
            if let Some(address) = pool::literal(target) {
                addresses.push((address, target.clone()));
                continue;
            }
            let name = (target.host().unwrap_or_default(), pool::port(target));
            match timeout(RESOLVE_LIMIT, tokio::net::lookup_host(name)).await {
                Ok(Ok(found)) => addresses.extend(found.map(|a| (a, target.clone()))),
                failed => {
                    whole = false;
                    let error = match failed {
                        Ok(Err(error)) => error.to_string(),
                        _ => "no answer in time".to_owned(),
                    };
                    tracing::warn!(host = name.0, error, "cannot resolve the name of a server");
                }
            }
        }
        if whole || pool.endpoints().is_empty() {
            // A stable order, so that turns are turns.
            addresses.sort_by_key(|(address, _)| *address);
            pool.set(addresses);
        }
        if whole {
            pool.resolved();
        }
    }
}

/// Asks every server's health service once a second.
pub(super) async fn health(pool: Weak<pool::Pool>) {
    let mut ticks = interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        let endpoints = pool.endpoints();
        drop(pool);
        join_all(endpoints.iter().map(check)).await;
        let serving = endpoints.iter().filter(|e| e.available()).count();
        metrics::gauge!("segue_mesh_servers_available").set(serving as f64);
    }
}

async fn check(endpoint: &Arc<Endpoint>) {
    let mut client = HealthClient::new(endpoint.channel.clone());
    let asked = client.check(HealthCheckRequest { service: String::new() });
    let serving = match timeout(CHECK_LIMIT, asked).await {
        Ok(Ok(answer)) => answer.into_inner().status() == ServingStatus::Serving,
        // A server without a health service is as good as its connection.
        Ok(Err(status)) => status.code() == Code::Unimplemented,
        Err(_) => false,
    };
    endpoint.set_serving(serving);
}
