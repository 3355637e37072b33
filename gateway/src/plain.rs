//! The pages that are not gRPC.

use crate::jwks::Jwks;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use segue_mesh::{Metrics, Ready};
use std::sync::Arc;

/// What the pages show.
pub(crate) struct Plain {
    pub(crate) ready: Ready,
    pub(crate) metrics: Metrics,
    pub(crate) jwks: Jwks,
}

const TEXT: &str = "text/plain; charset=utf-8";
const WELCOME: &str = include_str!("welcome.html");

pub(crate) fn router(plain: Plain) -> Router {
    Router::new()
        .route("/", get(welcome))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(Arc::new(plain.jwks))
        .merge(segue_mesh::pages(plain.ready, plain.metrics))
}

async fn welcome() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, WELCOME).into_response()
}

async fn jwks(State(jwks): State<Arc<Jwks>>) -> Response {
    match jwks.get().await {
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
