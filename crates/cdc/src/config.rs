//! Configuration of the relay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How facts are read from PostgreSQL. The embedded store is always polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Replication where the server and the role allow it, else polling.
    #[default]
    Auto,
    /// The log, by logical replication: `wal_level = logical`, and a role with REPLICATION. Does not speak TLS.
    Replication,
    /// The tables, by polling: published rows are removed at once. For databases without those rights.
    Polling,
}

/// The `cdc` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CdcConfig {
    /// How facts are read from PostgreSQL.
    pub source: Source,
    /// Name of the replication slot: lower-case letters, digits and underscores. One per server cluster.
    pub slot: String,
    /// Name of the publication, of the same letters.
    pub publication: String,
    /// Whether the relay makes its slot, and makes it again when it is lost. Off where Patroni does (`slots:`).
    pub manage_slot: bool,
    /// How long a connection may be silent before both ends give it up, milliseconds, at least 1,000. A standby
    /// takes over this long after a holder was cut off, and at once after one that was killed.
    pub silence_timeout_ms: u64,
    /// Pause between looks of a standby, milliseconds.
    pub standby_interval_ms: u64,
    /// Pause between looks at an empty table when polling, milliseconds.
    pub poll_interval_ms: u64,
    /// How long a published row stays, hours. Polling removes rows at once.
    pub keep_published_hours: u64,
}

impl Default for CdcConfig {
    fn default() -> Self {
        Self {
            source: Source::Auto,
            slot: "segue_cdc".into(),
            publication: "segue_outbox".into(),
            manage_slot: true,
            silence_timeout_ms: 10_000,
            standby_interval_ms: 500,
            poll_interval_ms: 200,
            keep_published_hours: 24,
        }
    }
}

impl CdcConfig {
    /// What is wrong with it, in a sentence that names the key.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (key, name) in [("slot", &self.slot), ("publication", &self.publication)] {
            let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if name.is_empty() || name.len() > 63 || !name.bytes().all(letters) {
                return Err(format!(
                    "cdc.{key} must be 1 to 63 lower-case letters, digits or underscores: {name:?}"
                ));
            }
        }
        if !(1_000..=600_000).contains(&self.silence_timeout_ms) {
            return Err("cdc.silence_timeout_ms must be between 1000 and 600000".into());
        }
        let intervals =
            [("standby_interval_ms", self.standby_interval_ms), ("poll_interval_ms", self.poll_interval_ms)];
        for (key, value) in intervals {
            if !(1..=60_000).contains(&value) {
                return Err(format!("cdc.{key} must be between 1 and 60000"));
            }
        }
        Ok(())
    }

    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.silence_timeout_ms)
    }

    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(self.keep_published_hours.saturating_mul(3600))
    }
}

#[cfg(test)]
mod tests {
    use super::CdcConfig;

    #[test]
    fn names_that_would_need_quotes_are_refused_by_key() {
        assert_eq!(CdcConfig::default().check(), Ok(()));
        for slot in ["", "Segue", "a-b", "a'b", &"a".repeat(64)] {
            let config = CdcConfig { slot: slot.into(), ..CdcConfig::default() };
            assert!(config.check().unwrap_err().starts_with("cdc.slot must be"), "{slot}");
        }
        let config = CdcConfig { silence_timeout_ms: 10, ..CdcConfig::default() };
        assert!(config.check().unwrap_err().contains("cdc.silence_timeout_ms"));
    }
}
