//! A panic in a handler is a fault of that request and not of the process.

use super::answer;
use axum::{extract::Request, middleware::Next, response::Response};
use futures::FutureExt;
use segue_domain::{Code, Coded};
use std::panic::AssertUnwindSafe;

/// Inside span and metrics, so that a panic is logged with its trace and counted.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => answer(crate::status(Panicked)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("handler panicked")]
struct Panicked;

impl Coded for Panicked {
    fn code(&self) -> Code {
        Code::Internal
    }
    fn reason(&self) -> &'static str {
        "INTERNAL"
    }
}
