//! A plain HTTP client.

use async_trait::async_trait;
use bytes::Bytes;
use segue_ports::contract::blob::{Answer, Http};

/// reqwest, as the suite wants it.
pub(crate) struct Client(reqwest::Client);

impl Client {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(reqwest::Client::new())
    }
}

#[async_trait]
impl Http for Client {
    async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.0.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Answer { status, headers, body: response.bytes().await.expect("a body") }
    }
}
