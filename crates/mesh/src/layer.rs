//! Layers of a role's server, outermost first: request span, metrics, panic catch, load shed with concurrency
//! limit, deadline, authentication. Each is an axum middleware function, so that local and remote calls pass
//! the same ones.

pub(crate) mod auth;
pub(crate) mod body;
pub mod deadline;
pub(crate) mod overload;
pub(crate) mod panic;
pub(crate) mod span;

use axum::response::Response;
use tonic::Status;

/// A status as an answer.
pub(crate) fn answer(status: Status) -> Response {
    status.into_http::<tonic::body::Body>().map(axum::body::Body::new)
}
