//! The pages that are not gRPC.

use crate::{health::Ready, jwks::Jwks};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// What the pages show.
pub(crate) struct Plain {
    pub(crate) ready: Ready,
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) jwks: Jwks,
}

const TEXT: &str = "text/plain; charset=utf-8";
const WELCOME: &str = include_str!("welcome.html");

pub(crate) fn router(plain: Plain) -> Router {
    Router::new()
        .route("/", get(welcome))
        .route("/livez", get(async || ([(header::CONTENT_TYPE, TEXT)], "ok\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(Arc::new(plain))
}

async fn welcome() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, WELCOME).into_response()
}

/// One line per part: `ok store`, `not ready bus`.
async fn ready(State(plain): State<Arc<Plain>>) -> Response {
    let parts = (plain.ready)();
    let all = parts.iter().all(|(_, ok)| *ok);
    let lines: String =
        parts.iter().map(|(name, ok)| format!("{} {name}\n", if *ok { "ok" } else { "not ready" })).collect();
    let code = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")];
    (code, headers, lines).into_response()
}

async fn metrics(State(plain): State<Arc<Plain>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (plain.metrics)()).into_response()
}

async fn jwks(State(plain): State<Arc<Plain>>) -> Response {
    match plain.jwks.get().await {
        Some(keys) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=300"));
            (headers, keys.to_string()).into_response()
        }
        None => {
            let headers = [(header::CONTENT_TYPE, TEXT), (header::RETRY_AFTER, "1")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "the keys are not known yet; try again\n")
                .into_response()
        }
    }
}
