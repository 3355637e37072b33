//! Everything that is no page of ours: told apart into gRPC, gRPC-Web and mistakes, which get a sentence.

use crate::{
    calls::{CallService, Calls},
    measured::Unsized,
    wire::Wire,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service};

/// Longest path that is looked at, bytes. Method paths are far below.
const MAX_PATH: usize = 1024;

/// The way in to the calls.
#[derive(Clone)]
pub(crate) struct Door {
    calls: Arc<Calls>,
    web: GrpcWebService<CallService>,
}

impl Door {
    pub(crate) fn new(calls: Calls) -> Self {
        let calls = Arc::new(calls);
        // Around calls only: it refuses everything on HTTP/1.1 that is not gRPC-Web.
        let web = GrpcWebLayer::new().layer(CallService(Arc::clone(&calls)));
        Self { calls, web }
    }
}

/// The fallback of the router.
pub(crate) async fn enter(State(mut door): State<Door>, mut request: Request) -> Response {
    if request.uri().path().len() > MAX_PATH {
        return mistake(StatusCode::BAD_REQUEST, "the path is longer than any method's");
    }
    let Some(wire) = Wire::of(request.headers()) else {
        let known = door.calls.methods.get(request.uri().path()).is_some();
        return if known {
            mistake(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this is a gRPC method; POST to it with content-type application/grpc, application/grpc-web or application/grpc-web-text",
            )
        } else {
            mistake(StatusCode::NOT_FOUND, "there is nothing here; / says what this server is")
        };
    };
    if request.method() != Method::POST {
        let mut response = mistake(StatusCode::METHOD_NOT_ALLOWED, "gRPC methods are called with POST");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    match wire {
        Wire::Grpc if request.version() != Version::HTTP_2 => {
            mistake(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2; over HTTP/1.1 use gRPC-Web")
        }
        Wire::Grpc => door.calls.answer(request).await.map(Body::new),
        Wire::Web | Wire::WebText => {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(wire.content_type()));
            if !request.headers().contains_key(header::ACCEPT) || request.headers()[header::ACCEPT] == "*/*" {
                // The answer comes in the encoding that is accepted, and else in that of the request.
                request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(wire.content_type()));
            }
            let request =
                if wire == Wire::WebText { request.map(|b| Body::new(Unsized(b))) } else { request };
            match door.web.call(request).await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        }
    }
}

fn mistake(code: StatusCode, sentence: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (code, headers, format!("{sentence}\n")).into_response()
}
