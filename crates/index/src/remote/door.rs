//! Requests to the cluster, repeated while that may help.

use super::config::Config;
use opensearch::{
    auth::Credentials,
    http::{
        Method, Url,
        headers::HeaderMap,
        transport::{SingleNodeConnectionPool, TransportBuilder},
    },
};
use segue_ports::index::IndexError;
use serde_json::Value;
use std::time::Duration;

/// Waits before the second and the third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// A client of the cluster.
#[derive(Debug)]
pub(super) struct Door(opensearch::OpenSearch);

/// What the cluster answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Door {
    pub(super) fn new(config: &Config) -> Result<Self, IndexError> {
        let url = Url::parse(&config.url).map_err(IndexError::unavailable)?;
        let mut transport = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy();
        if let Some((user, password)) = &config.user {
            transport = transport.auth(Credentials::Basic(user.clone(), password.expose().to_owned()));
        }
        let transport = transport.build().map_err(IndexError::unavailable)?;
        Ok(Self(opensearch::OpenSearch::new(transport)))
    }

    /// As [`Self::send`], with JSON.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Answer, IndexError> {
        self.send(method, path, body.map(Value::to_string), deadline).await
    }

    /// Sends a request that may be repeated without harm, and gives back any answer but one that says "later". A
    /// connection that fails and such an answer are tried three times, all within `deadline`.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        deadline: Duration,
    ) -> Result<Answer, IndexError> {
        let attempts = async {
            for pause in PAUSES {
                match self.once(method, path, body.clone()).await {
                    Ok(answer) if !answer.is_later() => return Ok(answer),
                    _ => tokio::time::sleep(pause).await,
                }
            }
            let answer = self.once(method, path, body.clone()).await?;
            if answer.is_later() { Err(answer.error()) } else { Ok(answer) }
        };
        match tokio::time::timeout(deadline, attempts).await {
            Ok(answer) => answer,
            Err(_) => Err(IndexError::unavailable(format!("no answer within {} s", deadline.as_secs_f32()))),
        }
    }

    async fn once(&self, method: Method, path: &str, body: Option<String>) -> Result<Answer, IndexError> {
        let answer = self.0.send(method, path, HeaderMap::new(), None::<&()>, body, None).await;
        let answer = answer.map_err(IndexError::unavailable)?;
        let status = answer.status_code().as_u16();
        let bytes = answer.bytes().await.map_err(IndexError::unavailable)?;
        // A proxy in between may answer with something else.
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The cluster is overloaded, or a part of it is missing for a moment.
    fn is_later(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }

    /// True for an error of that type.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.body["error"]["type"] == kind
    }

    /// The body of a success.
    pub(super) fn ok(self) -> Result<Value, IndexError> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(self.error()) }
    }

    pub(super) fn error(&self) -> IndexError {
        let error = &self.body["error"];
        let reason = error["reason"].as_str().or_else(|| error.as_str()).unwrap_or("no reason given");
        IndexError::unavailable(format!("status {}: {reason}", self.status))
    }
}
