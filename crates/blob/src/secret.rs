//! Text that must not be seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A secret out of a configuration: neither `Debug` nor serialization shows more than that there is one.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself. Never log it, never send it to anyone but the blob store.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn shown(&self) -> &'static str {
        if self.0.is_empty() { "" } else { "***" }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretText({})", self.shown())
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_that_there_is_one() {
        let secret = SecretText::new("sv=2022-11-02&sig=abc");
        assert_eq!(format!("{secret:?}"), "SecretText(***)");
        assert_eq!(serde_json::to_string(&secret).expect("text"), "\"***\"");
        assert_eq!(serde_json::to_string(&SecretText::default()).expect("text"), "\"\"");
    }
}
