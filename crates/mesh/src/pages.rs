//! The pages that every process has for those who run it: is it alive, does it take work, what does it measure.

use crate::Ready;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// The process's metrics in Prometheus' text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Clone)]
struct Pages {
    ready: Ready,
    metrics: Metrics,
}

/// `/livez`: 200 while the process runs. `/readyz`: 200 when every part is ready, else 503, with one line per part:
/// `ok store`, `not ready bus`. `/metrics`.
pub fn pages(ready: Ready, metrics: Metrics) -> Router {
    Router::new()
        .route("/livez", get(async || ([(header::CONTENT_TYPE, TEXT)], "ok\n")))
        .route("/readyz", get(readyz))
        .route("/metrics", get(measured))
        .with_state(Pages { ready, metrics })
}

async fn readyz(State(pages): State<Pages>) -> Response {
    let parts = (pages.ready)();
    let all = parts.iter().all(|(_, ok)| *ok);
    let line = |(name, ok): &(String, bool)| format!("{} {name}\n", if *ok { "ok" } else { "not ready" });
    let lines: String = parts.iter().map(line).collect();
    let code = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")];
    (code, headers, lines).into_response()
}

async fn measured(State(pages): State<Pages>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, (pages.metrics)()).into_response()
}
