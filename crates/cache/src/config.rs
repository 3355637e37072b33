//! The `cache` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use segue_domain::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, time::Duration};

/// The `cache` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// Memory for what was read lately, bytes.
    pub near_bytes: u64,
    /// How long an entry is believed without asking again, seconds; each entry lives up to a fifth more or less, so
    /// that what was stored together does not expire together. Changes are heard of at once and do not wait for it.
    pub life_seconds: u64,
    /// How long it is believed that there is nothing of an id, seconds.
    pub absent_seconds: u64,
    /// How long after its life an entry is still served when the database cannot be asked, seconds.
    pub stale_seconds: u64,
    /// The cache that processes share.
    pub redis: RedisConfig,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            near_bytes: 64 << 20,
            life_seconds: 6 * 3600,
            absent_seconds: 5,
            stale_seconds: 3600,
            redis: RedisConfig::default(),
        }
    }
}

/// Where Redis is, and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://user:password@host:6379`, `redis-cluster://host:6379?node=host2:6379`,
    /// `redis-sentinel://host:26379?sentinelServiceName=name`; with `rediss` for TLS. Empty: none.
    pub url: RedisUrl,
    /// Longest wait of a read for Redis, milliseconds; then it goes on without.
    pub timeout_ms: u64,
    /// How long one process may load an entry before another one does so too, milliseconds.
    pub lease_ms: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self { url: RedisUrl::default(), timeout_ms: 4, lease_ms: 1000 }
    }
}

/// A URL that does not print its password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// A URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }
    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.split_once("://"), self.0.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => write!(f, "{scheme}://***@{rest}"),
            _ => f.write_str(&self.0),
        }
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

/// Times of the policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    life: Duration,
    absent: Duration,
    pub(crate) stale: Duration,
}

impl CacheConfig {
    pub(crate) fn policy(&self) -> Result<Policy, Error> {
        let seconds = |field, seconds: u64, least: u64| match seconds {
            s if (least..=365 * 86_400).contains(&s) => Ok(Duration::from_secs(s)),
            _ => Err(Error::Config { field, wanted: format!("{least} to {} seconds", 365 * 86_400) }),
        };
        Ok(Policy {
            life: seconds("life_seconds", self.life_seconds, 1)?,
            absent: seconds("absent_seconds", self.absent_seconds, 1)?,
            stale: seconds("stale_seconds", self.stale_seconds, 0)?,
        })
    }
}

impl Policy {
    /// When what is stored now expires.
    pub(crate) fn expires(&self, now: Timestamp, absent: bool) -> Timestamp {
        let life = if absent { self.absent } else { self.life };
        now.plus(life.mul_f64(rand::random_range(0.8..1.2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_does_not_print_its_password() {
        let url = RedisUrl::new("redis-cluster://:s3cr@t@cache:6379?node=b:1");
        assert_eq!(format!("{url:?}"), "redis-cluster://***@cache:6379?node=b:1");
        assert_eq!(format!("{:?}", RedisUrl::new("redis://cache")), "redis://cache");
    }

    #[test]
    fn lives_that_cannot_be_are_refused() {
        let with = |life_seconds| CacheConfig { life_seconds, ..CacheConfig::default() }.policy();
        assert!(with(1).is_ok());
        assert_eq!(with(0).unwrap_err().to_string(), "cache.life_seconds must be 1 to 31536000 seconds");
        assert!(with(u64::MAX).is_err());
    }
}
