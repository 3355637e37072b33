//! The `playlist.library` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of likes, listening history and counts. Times are seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryConfig {
    /// Pause between two batches in which search is told how often songs were heard.
    pub popularity_seconds: u64,
    /// Pause between two sweeps for plays and likes that are not counted yet, and should be.
    pub sweep_seconds: u64,
}

impl Default for LibraryConfig {
    fn default() -> Self {
        Self { popularity_seconds: 10, sweep_seconds: 60 }
    }
}

impl LibraryConfig {
    /// Refuses what cannot work.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let positive =
            [("popularity_seconds", self.popularity_seconds), ("sweep_seconds", self.sweep_seconds)];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Error::Config(format!("playlist.library.{name} must be above 0"))),
            None => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let config = LibraryConfig { popularity_seconds: 0, ..LibraryConfig::default() };
        let refused = config.checked().expect_err("refused").to_string();
        assert!(refused.contains("playlist.library.popularity_seconds"), "{refused}");
        assert!(LibraryConfig::default().checked().is_ok());
    }
}
