//! HTTP to the account: one pool of connections for the crate's calls and for our own.
//!
//! The crate's own client keeps no connection and knows no time limit.

use super::{failure::Failure, limits::AzureTimeouts};
use async_trait::async_trait;
use azure_core::{Body, BytesStream, HttpClient, StatusCode, error::ErrorKind, headers::Headers};
use bytes::{Bytes, BytesMut};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use std::time::Duration;

/// The largest answer that is held in memory, bytes. A list of 100,000 blocks fits.
const MAX_ANSWER: usize = 32 << 20;

/// A pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Transport(Client);

impl Transport {
    pub(super) fn new(timeouts: &AzureTimeouts) -> Result<Self, reqwest::Error> {
        Ok(Self(
            Client::builder()
                // The service speaks nothing newer.
                .http1_only()
                .redirect(redirect::Policy::none())
                .connect_timeout(timeouts.connect())
                .pool_idle_timeout(Duration::from_secs(60))
                .tcp_keepalive(Duration::from_secs(30))
                .user_agent(concat!("segue/", env!("CARGO_PKG_VERSION")))
                .build()?,
        ))
    }

    pub(super) fn request(&self, method: Method, url: reqwest::Url) -> RequestBuilder {
        self.0.request(method, url).header("x-ms-version", super::VERSION)
    }
}

/// Sends a request of ours; refusals are failures.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let code = response.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
    let code = code.unwrap_or_default().to_owned();
    // Read to its end, within reason, the connection can serve again.
    let _ = collect(response, 64 << 10).await;
    Err(Failure::Refused { status: status.as_u16(), code })
}

/// The whole body.
pub(super) async fn collect(mut response: Response, limit: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > limit {
            return Err(Failure::Garbled(format!("it is longer than {limit} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// The whole body of an answer of the service.
pub(super) async fn answer(response: Response) -> Result<Bytes, Failure> {
    collect(response, MAX_ANSWER).await
}

fn failed(failure: Failure) -> azure_core::Error {
    azure_core::Error::new(ErrorKind::Io, failure)
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(
        &self,
        request: &azure_core::Request,
    ) -> azure_core::Result<azure_core::Response> {
        let garbled = |what: &str| failed(Failure::Garbled(what.to_owned()));
        let method =
            Method::from_bytes(request.method().as_ref().as_bytes()).map_err(|_| garbled("method"))?;
        let Body::Bytes(body) = request.body().clone() else {
            return Err(garbled("a body that is no bytes"));
        };
        let mut sent = self.0.request(method, request.url().clone()).body(body);
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        let response = sent.send().await.map_err(|error| failed(error.into()))?;
        let status = StatusCode::try_from(response.status().as_u16()).map_err(|_| garbled("status"))?;
        let mut headers = Headers::new();
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        let body = answer(response).await.map_err(failed)?;
        Ok(azure_core::Response::new(status, headers, Box::pin(BytesStream::new(body))))
    }
}
