//! Configuration of the identity role.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, time::Duration};
use subtle::ConstantTimeEq;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
pub enum SignUpMode {
    /// Anyone.
    #[default]
    Open,
    /// Who knows an invitation code.
    Invite,
    /// Nobody.
    Closed,
}

/// A code that opens sign-up: as it is handed out, or as `sha256:<64 hex digits>` of that, so that the
/// configuration need not hold it. Can be used any number of times. Does not print.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct InvitationCode(String);

impl InvitationCode {
    /// A code, plain or hashed.
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }
    /// True when `offered` is this code. Takes the same time for every code of the same kind.
    pub(crate) fn opens(&self, offered: &str) -> bool {
        let want = match self.0.strip_prefix("sha256:").map(hex::decode) {
            Some(Ok(hash)) => hash,
            Some(Err(_)) => return false,
            None => Sha256::digest(self.0.as_bytes()).to_vec(),
        };
        bool::from(Sha256::digest(offered.as_bytes()).ct_eq(want.as_slice()))
    }
}

impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for InvitationCode {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("***")
    }
}

/// The `identity` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Who may make an account.
    pub sign_up: SignUpMode,
    /// Codes that open sign-up when it is by invitation.
    pub invitation_codes: Vec<InvitationCode>,
    /// A session ends when it was not renewed for so many days.
    pub session_days: u32,
    /// A signing key is replaced after so many days.
    pub signing_key_days: u32,
    /// Passwords that are hashed at once. Each takes 19 MiB for some 20 ms.
    pub password_hashes: usize,
    /// Calls that may wait for a place to hash a password; one more is refused.
    pub password_queue: usize,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            sign_up: SignUpMode::Open,
            invitation_codes: Vec::new(),
            session_days: 60,
            signing_key_days: 30,
            password_hashes: 2,
            password_queue: 64,
        }
    }
}

impl IdentityConfig {
    pub(crate) fn session_life(&self) -> Duration {
        DAY * self.session_days
    }
    pub(crate) fn signing_key_life(&self) -> Duration {
        DAY * self.signing_key_days
    }
    /// What cannot work, as a sentence for whoever configures.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            c if c.session_days == 0 || c.session_days > 3650 => {
                Err("session_days must be between 1 and 3650")
            }
            c if c.signing_key_days == 0 || c.signing_key_days > 3650 => {
                Err("signing_key_days must be between 1 and 3650")
            }
            c if c.password_hashes == 0 || c.password_hashes > 1024 => {
                Err("password_hashes must be between 1 and 1024")
            }
            c if c.password_queue > 1 << 16 => Err("password_queue must be at most 65536"),
            c if c.sign_up == SignUpMode::Invite && c.invitation_codes.is_empty() => {
                Err("sign_up = \"invite\" needs at least one of invitation_codes")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_plain_or_hashed_and_never_prints() {
        let hash = format!("sha256:{}", hex::encode(Sha256::digest(b"come in")));
        for code in ["come in", &hash] {
            let code = InvitationCode::new(code);
            assert!(code.opens("come in"));
            assert!(!code.opens("Come in") && !code.opens("") && !code.opens(&hash));
            assert_eq!(format!("{code:?} {}", serde_json::to_string(&code).unwrap()), "*** \"***\"");
        }
        assert!(!InvitationCode::new("sha256:zz").opens("sha256:zz"));
    }

    #[test]
    fn the_defaults_are_good_and_unknown_fields_are_refused() {
        assert_eq!(IdentityConfig::default().check(), Ok(()));
        assert!(serde_json::from_str::<IdentityConfig>(r#"{"signup":"open"}"#).is_err());
        let config: IdentityConfig = serde_json::from_str(r#"{"sign_up":"invite"}"#).unwrap();
        assert!(config.check().is_err());
    }
}
