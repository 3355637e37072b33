//! Under which address the client reached us, so that the URLs we hand out work for it.

use tonic::Request;

/// Set by the gateway, from configuration or the request's Host: `http://192.168.1.7:4420`. Never taken from a client.
pub const ORIGIN_HEADER: &str = "segue-origin";

/// Scheme and authority for URLs in the answer; `fallback` when the call did not come through a gateway.
pub fn origin<T>(request: &Request<T>, fallback: &str) -> String {
    let header = request.metadata().get(ORIGIN_HEADER).and_then(|v| v.to_str().ok());
    header.unwrap_or(fallback).to_owned()
}
