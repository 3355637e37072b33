//! Media grants: expiring, Ed25519-signed leave to fetch one output of one song, carried in the URL path.
//!
//! The song role signs, edges verify with public keys only. Layout, base64url without padding:
//! `version(1) key(4) song(16) output(16) listener(16) expires(8, unix seconds, big endian) signature(64)`.

use crate::{OutputId, SongId, Timestamp, UserId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const VERSION: u8 = 1;
const BODY: usize = 1 + 4 + 16 * 3 + 8;
const LENGTH: usize = BODY + 64;
/// Length of a grant in a path, characters.
const TEXT: usize = (LENGTH * 4).div_ceil(3);

/// What a grant allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The song.
    pub song: SongId,
    /// Its output.
    pub output: OutputId,
    /// Who asked; `None` for someone without an account.
    pub listener: Option<UserId>,
    /// The grant is good before this moment (whole seconds).
    pub expires: Timestamp,
}

/// Why a grant is refused. All are 403 to the player, which then asks for a new one.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    /// Not a grant, altered, or signed by an unknown key.
    #[error("the playback grant is not valid; ask for a new one with GetPlayback")]
    Invalid,
    /// Too old.
    #[error("the playback grant has expired; ask for a new one with GetPlayback")]
    Expired,
}

/// Signs grants.
#[derive(Clone)]
pub struct GrantSigner {
    key: SigningKey,
    id: [u8; 4],
}

impl GrantSigner {
    /// A signer from a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = key_id(&key.verifying_key());
        Self { key, id }
    }
    /// The public key that verifies.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }
    /// The grant as text for a URL path.
    pub fn sign(&self, grant: &Grant) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(grant.song.bytes());
        bytes.extend_from_slice(grant.output.bytes());
        bytes.extend_from_slice(&grant.listener.map_or([0; 16], |l| l.uuid().into_bytes()));
        bytes.extend_from_slice(&grant.expires.seconds().to_be_bytes());
        let signature = self.key.sign(&bytes);
        bytes.extend_from_slice(&signature.to_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl std::fmt::Debug for GrantSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GrantSigner")
    }
}

/// Verifies grants with public keys; several, so that keys can rotate.
#[derive(Debug, Clone)]
pub struct GrantVerifier {
    keys: Vec<([u8; 4], VerifyingKey)>,
}

impl GrantVerifier {
    /// A verifier that trusts `keys` (32 bytes each). A key that is no Ed25519 point is an error.
    pub fn new(keys: &[[u8; 32]]) -> Result<Self, GrantError> {
        let parse = |k: &[u8; 32]| VerifyingKey::from_bytes(k).map(|k| (key_id(&k), k));
        let keys = keys.iter().map(parse).collect::<Result<_, _>>().map_err(|_| GrantError::Invalid)?;
        Ok(Self { keys })
    }

    /// The grant in `text`, if it is good at `now`. Costs one Ed25519 verification (about 60 µs), so cache it.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Grant, GrantError> {
        if text.len() != TEXT {
            return Err(GrantError::Invalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| GrantError::Invalid)?;
        let (body, signature) = bytes.split_at_checked(BODY).ok_or(GrantError::Invalid)?;
        if body[0] != VERSION {
            return Err(GrantError::Invalid);
        }
        let key = self.keys.iter().find(|(id, _)| *id == body[1..5]).ok_or(GrantError::Invalid)?;
        let signature = Signature::from_slice(signature).map_err(|_| GrantError::Invalid)?;
        key.1.verify_strict(body, &signature).map_err(|_| GrantError::Invalid)?;

        let uuid = |at: usize| Uuid::from_slice(&body[at..at + 16]).map_err(|_| GrantError::Invalid);
        let listener = uuid(37)?;
        let seconds: [u8; 8] = body[53..61].try_into().map_err(|_| GrantError::Invalid)?;
        let grant = Grant {
            song: SongId::from_uuid(uuid(5)?).map_err(|_| GrantError::Invalid)?,
            output: OutputId::from_uuid(uuid(21)?).map_err(|_| GrantError::Invalid)?,
            listener: match listener.is_nil() {
                true => None,
                false => Some(UserId::from_uuid(listener).map_err(|_| GrantError::Invalid)?),
            },
            expires: Timestamp::from_seconds(i64::from_be_bytes(seconds)),
        };
        if now >= grant.expires {
            return Err(GrantError::Expired);
        }
        Ok(grant)
    }
}

fn key_id(key: &VerifyingKey) -> [u8; 4] {
    let hash = Sha256::digest(key.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            song: SongId::new(),
            output: OutputId::new(),
            listener: Some(UserId::new()),
            expires: Timestamp::from_seconds(100),
        }
    }

    #[test]
    fn a_grant_is_good_until_it_expires() {
        let signer = GrantSigner::from_seed(&[7; 32]);
        let verifier = GrantVerifier::new(&[signer.public_key()]).unwrap();
        let grant = grant();
        let text = signer.sign(&grant);
        assert_eq!(verifier.verify(&text, Timestamp(99_999)), Ok(grant));
        assert_eq!(verifier.verify(&text, Timestamp(100_000)), Err(GrantError::Expired));
    }

    #[test]
    fn every_altered_character_is_refused() {
        let signer = GrantSigner::from_seed(&[7; 32]);
        let verifier = GrantVerifier::new(&[signer.public_key()]).unwrap();
        let text = signer.sign(&grant());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert_eq!(verifier.verify(&altered, Timestamp(0)), Err(GrantError::Invalid), "at {at}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let verifier = GrantVerifier::new(&[GrantSigner::from_seed(&[8; 32]).public_key()]).unwrap();
        let text = GrantSigner::from_seed(&[7; 32]).sign(&grant());
        assert_eq!(verifier.verify(&text, Timestamp(0)), Err(GrantError::Invalid));
        assert_eq!(verifier.verify("", Timestamp(0)), Err(GrantError::Invalid));
    }
}
