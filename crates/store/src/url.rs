//! Where a database is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `sqlite:///path/to/file.db` or `postgres://user:password@host/name`. Does not print its password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }
    /// The text, password and all. For who connects; never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// True when none was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// True for the embedded engine.
    pub fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.split_once("://"), self.0.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => write!(f, "{scheme}://***@{rest}"),
            _ => f.write_str(&self.0),
        }
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn a_url_does_not_print_its_password() {
        let url = DatabaseUrl::new("postgres://segue:s3cr@t@db/segue");
        assert_eq!(format!("{url:?}"), "postgres://***@db/segue");
    }
}
