//! A call over the network: one attempt, and another one where that is safe.

use super::{endpoint::InFlight, pool::Pool, replay::Outgoing};
use crate::{Policies, layer::deadline, status};
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use segue_domain::{Code, Coded};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{
    BoxError, Service, ServiceExt,
    retry::budget::{Budget, TpsBudget},
};

/// Attempts of one call at most.
const ATTEMPTS: usize = 3;
/// Retries may be a fifth of the calls of the last 10 s, and three a second when there are few.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 3, 0.2);

/// Sends calls to the servers of a pool.
#[derive(Clone)]
pub(super) struct Balanced {
    pool: Arc<Pool>,
    policies: Arc<Policies>,
    budget: Arc<TpsBudget>,
}

impl Balanced {
    pub(super) fn new(pool: Arc<Pool>, policies: Arc<Policies>) -> Self {
        let (window, floor, share) = BUDGET;
        Self { pool, policies, budget: Arc::new(TpsBudget::new(window, floor, share)) }
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        self.pool.ready().await;
        self.budget.deposit();
        let policy = self.policies.get(request.uri().path());
        let repeatable = policy.is_some_and(|p| p.repeatable);
        let began = Instant::now();
        let limit = deadline::parse(request.headers());
        let (mut parts, body) = request.into_parts();
        let body = Outgoing::of(body, repeatable).await?;
        let mut tried = Vec::with_capacity(ATTEMPTS);
        let mut last: Option<BoxError> = None;
        while let Some(endpoint) = self.pool.pick(&tried) {
            tried.push(endpoint.address);
            if tried.len() > 1
                && let Some(limit) = limit
            {
                let left = limit.saturating_sub(began.elapsed());
                if let Ok(value) = HeaderValue::from_str(&deadline::format(left)) {
                    parts.headers.insert("grpc-timeout", value);
                }
            }
            let request = Request::from_parts(parts.clone(), body.body());
            let in_flight: InFlight = endpoint.begin();
            let answered = endpoint.channel.clone().oneshot(request).await;
            drop(in_flight);
            let again =
                |body: &Outgoing| tried.len() < ATTEMPTS && body.can_repeat() && self.budget.withdraw();
            match answered {
                Ok(response) => {
                    endpoint.succeeded();
                    // The server is there and cannot do it at the moment; another one perhaps can.
                    let unavailable = response.headers().get("grpc-status").is_some_and(|s| s == "14");
                    if unavailable && repeatable && tried.len() < self.pool.endpoints().len() && again(&body)
                    {
                        metrics::counter!("segue_mesh_retries_total", "why" => "unavailable").increment(1);
                        continue;
                    }
                    return Ok(response);
                }
                Err(error) => {
                    let error = BoxError::from(error);
                    if is_late(&*error) {
                        return Err(error);
                    }
                    endpoint.failed();
                    tracing::debug!(peer = %endpoint.address, %error, "a call was not answered");
                    last = Some(error);
                    if !again(&body) {
                        break;
                    }
                    metrics::counter!("segue_mesh_retries_total", "why" => "unreachable").increment(1);
                }
            }
        }
        let service = parts.uri.path().split('/').nth(1).unwrap_or_default().to_owned();
        Err(Box::new(status(Unreachable { service, source: last })))
    }
}

/// The deadline of the call has passed: no fault of the server's, and no time for another one.
fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |e| e.source()).any(|e| e.is::<tonic::TimeoutExpired>())
}

impl Service<Request<Body>> for Balanced {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no server of {service} answers")]
struct Unreachable {
    service: String,
    #[source]
    source: Option<BoxError>,
}

impl Coded for Unreachable {
    fn code(&self) -> Code {
        Code::Unavailable
    }
    fn reason(&self) -> &'static str {
        "SERVICE_UNREACHABLE"
    }
    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}
