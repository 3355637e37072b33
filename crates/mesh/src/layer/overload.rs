//! Load shed with a concurrency limit: above it a call is refused at once, which costs little, instead of waiting
//! until it is worthless.

use super::answer;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use segue_domain::{Code, Coded};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Counts calls until their answer begins; streams are bounded by the listener's connections.
pub(crate) async fn layer(State(slots): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match slots.try_acquire_owned() {
        Ok(_slot) => next.run(request).await,
        Err(_) => answer(crate::status(Overloaded)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too many calls at once; try again in a moment")]
struct Overloaded;

impl Coded for Overloaded {
    fn code(&self) -> Code {
        Code::ResourceExhausted
    }
    fn reason(&self) -> &'static str {
        "OVERLOADED"
    }
    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}
