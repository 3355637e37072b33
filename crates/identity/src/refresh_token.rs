//! Refresh tokens: opaque text that names a session and holds two random numbers.
//!
//! Layout, base64url without padding: `session(16) family(16) secret(32)`. The family is the same in every
//! token of a session and the secret new in each. The database holds SHA-256 of both, so whoever reads it
//! cannot renew a session. A token with the right family and an old secret was once ours: it is a repeat,
//! however old. One with another family is made up and must not end anyone's session.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_domain::SessionId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const LENGTH: usize = 16 + 16 + 32;
const TEXT: usize = (LENGTH * 4).div_ceil(3);

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    session: SessionId,
    family: [u8; 16],
    secret: [u8; 32],
}

impl RefreshToken {
    /// The first token of a session.
    pub(crate) fn first(session: SessionId) -> Self {
        Self { session, family: rand::random(), secret: rand::random() }
    }
    /// The token after this one.
    pub(crate) fn next(&self) -> Self {
        Self { secret: rand::random(), ..self.clone() }
    }
    /// A token from its text; `None` when it cannot be one of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (family, secret) = rest.split_first_chunk::<16>()?;
        let session = SessionId::from_uuid(sea_orm::prelude::Uuid::from_bytes(*session)).ok()?;
        Some(Self { session, family: *family, secret: secret.try_into().ok()? })
    }
    /// The session that it renews.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }
    /// What the client keeps.
    pub(crate) fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(self.session.bytes());
        bytes.extend_from_slice(&self.family);
        bytes.extend_from_slice(&self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }
    pub(crate) fn family_hash(&self) -> Vec<u8> {
        Sha256::digest(self.family).to_vec()
    }
    pub(crate) fn secret_hash(&self) -> Vec<u8> {
        Sha256::digest(self.secret).to_vec()
    }
    /// True when the token was made for the session with this family.
    pub(crate) fn is_of(&self, family_hash: &[u8]) -> bool {
        bool::from(self.family_hash().as_slice().ct_eq(family_hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_garbage_does_not() {
        let token = RefreshToken::first(SessionId::new());
        let parsed = RefreshToken::parse(&token.text()).unwrap();
        assert!(
            parsed == token
                && parsed.is_of(&token.family_hash())
                && parsed.next().is_of(&token.family_hash())
        );
        assert_ne!(token.next().secret_hash(), token.secret_hash());
        assert!(!RefreshToken::first(token.session()).is_of(&token.family_hash()));
        for bad in ["", "x", &"A".repeat(TEXT), &"!".repeat(TEXT), &"A".repeat(1 << 20)] {
            assert!(RefreshToken::parse(bad).is_none());
        }
    }
}
