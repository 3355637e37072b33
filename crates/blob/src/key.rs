//! The account key.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// Text that is not an account key.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("an account key is base64 of at least 32 bytes")]
pub struct KeyError;

/// The key that signs URLs: base64, as Azure hands it out. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Vec<u8>);

impl SecretKey {
    /// A new random key of 64 bytes, the length of Azure's.
    pub fn generate() -> Self {
        let mut bytes = [0_u8; 64];
        rand::fill(&mut bytes);
        Self(bytes.to_vec())
    }
    /// From base64.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        match STANDARD.decode(text.trim()) {
            Ok(bytes) if bytes.len() >= 32 => Ok(Self(bytes)),
            _ => Err(KeyError),
        }
    }
    /// As base64, to be kept or to be given to a tool that signs URLs itself.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let key = SecretKey::generate();
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
        assert_eq!(SecretKey::from_base64(&key.to_base64()), Ok(key));
        assert_eq!(SecretKey::from_base64("c2hvcnQ="), Err(KeyError));
        assert_eq!(SecretKey::from_base64("no base64!"), Err(KeyError));
    }
}
