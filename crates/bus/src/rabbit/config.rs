//! The `bus` section of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Where the broker is: `amqp://user:password@host:5672/vhost` (`%2f` is the default vhost), or `amqps://…`. Of a cluster
/// several nodes may be named, `amqp://user:password@one:5672,two:5672/vhost`; when one is away the next is tried. Does not
/// print its password.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BrokerUrl(String);

impl BrokerUrl {
    /// A URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }
    /// One URL for each node.
    pub(crate) fn nodes(&self) -> Vec<String> {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (account, hosts) =
            authority.rsplit_once('@').map_or(("", authority), |(who, hosts)| (who, hosts));
        let at = if account.is_empty() { "" } else { "@" };
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
        hosts.split(',').map(|host| format!("{scheme}{account}{at}{}{path}", host.trim())).collect()
    }
    /// True when nothing was set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.split_once("://"), self.0.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => write!(f, "{scheme}://***@{rest}"),
            _ => f.write_str(&self.0),
        }
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

/// Settings of the bus on RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RabbitConfig {
    /// The broker.
    pub url: BrokerUrl,
    /// Before the name of every exchange and queue. Two installations may share a vhost when theirs differ.
    pub prefix: String,
    /// Seconds between heartbeats; a silent broker is given up after two of them.
    pub heartbeat_s: u16,
    /// Longest wait for the broker's answer to one thing (connect, declare, confirm, acknowledge), milliseconds.
    pub answer_timeout_ms: u64,
    /// Published messages that may be on their way without a confirm; more wait here.
    pub window: usize,
    /// Longest pause before the next attempt to connect, milliseconds. The first is 100 ms; it doubles and is
    /// jittered.
    pub longest_pause_ms: u64,
    /// How long a shutdown waits for messages that are in somebody's hands, milliseconds.
    pub close_timeout_ms: u64,
}

impl Default for RabbitConfig {
    fn default() -> Self {
        Self {
            url: BrokerUrl::new(""),
            prefix: "segue.".into(),
            heartbeat_s: 5,
            answer_timeout_ms: 5_000,
            window: 256,
            longest_pause_ms: 5_000,
            close_timeout_ms: 10_000,
        }
    }
}

impl RabbitConfig {
    /// Says what is wrong, naming the key.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.prefix.len() > 64 {
            return Err("bus.prefix must have at most 64 bytes".into());
        }
        if self.heartbeat_s == 0 {
            return Err("bus.heartbeat_s must be at least 1: without heartbeats a broker that is silent is never given up".into());
        }
        if self.window == 0 || self.window > 65_536 {
            return Err("bus.window must be between 1 and 65536".into());
        }
        if self.answer_timeout_ms == 0 || self.longest_pause_ms == 0 {
            return Err("bus.answer_timeout_ms and bus.longest_pause_ms must be at least 1".into());
        }
        Ok(())
    }

    pub(crate) fn limit(&self) -> Duration {
        Duration::from_millis(self.answer_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_node_or_several() {
        let nodes = |url: &str| BrokerUrl::new(url).nodes();
        assert_eq!(nodes("amqp://me:pw@host:5672/%2f"), ["amqp://me:pw@host:5672/%2f"]);
        assert_eq!(nodes("amqp://host"), ["amqp://host"]);
        assert_eq!(
            nodes("amqps://me:p,w@one:5671, two/songs?heartbeat=9"),
            ["amqps://me:p,w@one:5671/songs?heartbeat=9", "amqps://me:p,w@two/songs?heartbeat=9"]
        );
        assert_eq!(nodes("nonsense"), ["nonsense"]);
    }

    #[test]
    fn a_password_is_not_printed() {
        let config =
            RabbitConfig { url: BrokerUrl::new("amqp://me:s3cret@host:5672/%2f"), ..RabbitConfig::default() };
        let text = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!text.contains("s3cret") && text.contains("amqp://***@host:5672/%2f"), "{text}");
    }

    #[test]
    fn what_cannot_work_is_named() {
        let config = RabbitConfig { window: 0, ..RabbitConfig::default() };
        assert!(config.validate().unwrap_err().contains("bus.window"));
        assert_eq!(RabbitConfig::default().validate(), Ok(()));
        let unknown = serde_json::from_str::<RabbitConfig>(r#"{"urll": "x"}"#).unwrap_err();
        assert!(unknown.to_string().contains("urll"), "{unknown}");
    }
}
