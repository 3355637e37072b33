//! Tokens: EdDSA JWTs of users and of roles, verified with public keys, cached once verified.

use crate::caller::{Caller, User};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use segue_domain::{Clock, Code, Coded, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// Longest token that is looked at, bytes.
const MAX_TOKEN: usize = 4096;
/// Issuer of role tokens. Their keys are kept apart from users' keys.
const ROLE_ISSUER: &str = "segue-role";
const ROLE_TOKEN_LIFE: Duration = Duration::from_secs(300);

/// What a token says (RFC 7519 names).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// The account or role.
    pub sub: String,
    /// The session; empty for roles.
    #[serde(default)]
    pub sid: String,
    /// May call admin methods.
    #[serde(default)]
    pub adm: bool,
    /// Made at, Unix milliseconds in a fraction would not be portable: whole seconds.
    pub iat: i64,
    /// Ends at, Unix seconds.
    pub exp: i64,
}

/// A public key by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    /// `kid` of the header.
    pub id: String,
    /// Ed25519 public key.
    pub public: [u8; 32],
}

impl VerifyingKey {
    /// The key of roles; its id is made of it.
    pub fn of_role(public: [u8; 32]) -> Self {
        Self { id: format!("role-{}", URL_SAFE_NO_PAD.encode(&public[..6])), public }
    }
}

/// Why a token is refused. All look alike from outside, so that nothing can be learned by trying.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not a token of ours, or altered.
    #[error("the access token is not valid; sign in again, or renew it with RefreshSession")]
    Invalid,
    /// Too old.
    #[error("the access token has expired; renew it with RefreshSession")]
    Expired,
    /// Its session was ended.
    #[error("the session of this access token has ended; sign in again")]
    Revoked,
}

impl Coded for TokenError {
    fn code(&self) -> Code {
        Code::Unauthenticated
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid => "TOKEN_INVALID",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Revoked => "TOKEN_REVOKED",
        }
    }
}

/// What a verifier insists on.
#[derive(Debug, Clone)]
pub struct VerifierConfig {
    /// `iss` of users' tokens.
    pub issuer: String,
    /// `aud` of all tokens.
    pub audience: String,
    /// Verified tokens that are remembered.
    pub cache_tokens: u64,
}

impl Default for VerifierConfig {
    fn default() -> Self {
        Self { issuer: "segue".into(), audience: "segue".into(), cache_tokens: 10_000 }
    }
}

/// Verifies tokens. Shared by every layer of a process: keys and revocations are pushed into it. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    config: VerifierConfig,
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    verified: Cache<String, Arc<Claims>>,
    /// Sessions (and whole accounts) whose tokens of before a moment are refused, for as long as such tokens live.
    revoked: Cache<String, Timestamp>,
}

#[derive(Default)]
struct Keys {
    users: HashMap<String, DecodingKey>,
    roles: HashMap<String, DecodingKey>,
}

impl Verifier {
    /// A verifier without keys: it refuses everything until some are set.
    pub fn new(config: VerifierConfig, clock: Arc<dyn Clock>) -> Self {
        let verified =
            Cache::builder().max_capacity(config.cache_tokens).time_to_live(Duration::from_secs(900)).build();
        // Access tokens live 15 minutes; a revocation outlives them.
        let revoked = Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(3600)).build();
        Self { inner: Arc::new(Inner { config, clock, keys: RwLock::default(), verified, revoked }) }
    }

    /// Replaces the keys that verify users' tokens.
    pub fn set_user_keys(&self, keys: &[VerifyingKey]) {
        self.inner.keys.write().unwrap_or_else(PoisonError::into_inner).users = decoding(keys);
        self.inner.verified.invalidate_all();
    }

    /// Replaces the keys that verify role tokens.
    pub fn set_role_keys(&self, keys: &[VerifyingKey]) {
        self.inner.keys.write().unwrap_or_else(PoisonError::into_inner).roles = decoding(keys);
        self.inner.verified.invalidate_all();
    }

    /// Refuses tokens of a session from now on.
    pub fn revoke_session(&self, session: SessionId) {
        self.inner.revoked.insert(session.to_string(), Timestamp(i64::MAX));
    }

    /// Refuses tokens of an account that were made before a moment.
    pub fn revoke_user(&self, user: UserId, not_before: Timestamp) {
        self.inner.revoked.insert(user.to_string(), not_before);
    }

    /// Who a token stands for. Costs a hash look-up when the token was seen before.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        let claims = match self.inner.verified.get(token) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.check(token)?);
                self.inner.verified.insert(token.to_owned(), Arc::clone(&claims));
                claims
            }
        };
        if self.inner.clock.now() >= Timestamp::from_seconds(claims.exp) {
            return Err(TokenError::Expired);
        }
        self.caller(&claims)
    }

    fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let (key, issuer) = {
            let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
            match (keys.users.get(&kid), keys.roles.get(&kid)) {
                (Some(key), _) => (key.clone(), self.inner.config.issuer.as_str()),
                (None, Some(key)) => (key.clone(), ROLE_ISSUER),
                (None, None) => return Err(TokenError::Invalid),
            }
        };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&self.inner.config.audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is checked against our clock, on every use and not only on the first.
        validation.validate_exp = false;
        let data =
            jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| TokenError::Invalid)?;
        Ok(data.claims)
    }

    fn caller(&self, claims: &Claims) -> Result<Caller, TokenError> {
        if claims.iss == ROLE_ISSUER {
            return Ok(Caller::Role(claims.sub.as_str().into()));
        }
        let (Ok(id), Ok(session)) = (claims.sub.parse::<UserId>(), claims.sid.parse::<SessionId>()) else {
            return Err(TokenError::Invalid);
        };
        let revoked = |key: &str| self.inner.revoked.get(key).is_some_and(|t| claims.iat < t.seconds());
        if revoked(&claims.sid) || revoked(&claims.sub) {
            return Err(TokenError::Revoked);
        }
        Ok(Caller::User(User {
            id,
            session,
            admin: claims.adm,
            expires: Timestamp::from_seconds(claims.exp),
        }))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier")
    }
}

fn decoding(keys: &[VerifyingKey]) -> HashMap<String, DecodingKey> {
    let parse = |k: &VerifyingKey| {
        let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(k.public)).ok()?;
        Some((k.id.clone(), key))
    };
    keys.iter().filter_map(parse).collect()
}

/// The Ed25519 keys of a JSON Web Key Set (RFC 7517, RFC 8037); `None` when it is none. Keys of other kinds are left out.
pub fn verifying_keys(jwks: &str) -> Option<Vec<VerifyingKey>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Jwk>,
    }
    #[derive(Deserialize)]
    struct Jwk {
        #[serde(default)]
        crv: String,
        #[serde(default)]
        kid: String,
        #[serde(default)]
        x: String,
    }
    let set: Set = serde_json::from_str(jwks).ok()?;
    let read = |key: Jwk| {
        let public: [u8; 32] = URL_SAFE_NO_PAD.decode(&key.x).ok()?.try_into().ok()?;
        (key.crv == "Ed25519" && !key.kid.is_empty()).then_some(VerifyingKey { id: key.kid, public })
    };
    Some(set.keys.into_iter().filter_map(read).collect())
}

/// Signs claims with an Ed25519 seed.
pub fn sign_token(key_id: &str, seed: &[u8; 32], claims: &Claims) -> Result<String, TokenError> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key_id.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&pkcs8(seed)))
        .map_err(|_| TokenError::Invalid)
}

/// PKCS #8 of an Ed25519 seed (RFC 8410): a fixed prefix and the seed.
fn pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [&PREFIX[..], seed].concat()
}

/// Makes the short-lived tokens by which roles prove themselves to each other.
#[derive(Clone)]
pub struct RoleSigner {
    role: Arc<str>,
    seed: [u8; 32],
    key: VerifyingKey,
    audience: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl RoleSigner {
    /// A signer for `role` with the provisioned key.
    pub fn new(role: &str, seed: [u8; 32], audience: &str, clock: Arc<dyn Clock>) -> Self {
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        Self { role: role.into(), seed, key: VerifyingKey::of_role(public), audience: audience.into(), clock }
    }

    /// The key that others verify with.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.clone()
    }

    /// A token for one call: `authorization: Bearer …`. Lives five minutes.
    pub fn token(&self) -> Result<String, TokenError> {
        let now = self.clock.now();
        let claims = Claims {
            iss: ROLE_ISSUER.into(),
            aud: self.audience.to_string(),
            sub: self.role.to_string(),
            sid: String::new(),
            adm: false,
            iat: now.seconds(),
            exp: now.plus(ROLE_TOKEN_LIFE).seconds(),
        };
        sign_token(&self.key.id, &self.seed, &claims)
    }
}

impl std::fmt::Debug for RoleSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoleSigner({})", self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_domain::ManualClock;

    #[test]
    fn a_key_set_is_read_and_other_keys_are_left_out() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let set = format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"a","x":"{x}"}},{{"kty":"RSA","kid":"b","n":"AQ"}},{{"crv":"Ed25519","kid":"c","x":"AA"}}]}}"#
        );
        assert_eq!(verifying_keys(&set), Some(vec![VerifyingKey { id: "a".into(), public: [7; 32] }]));
        assert_eq!(verifying_keys("no"), None);
    }

    fn set_up() -> (Verifier, ManualClock, Claims) {
        let clock = ManualClock::new(Timestamp::from_seconds(1_000));
        let verifier = Verifier::new(VerifierConfig::default(), Arc::new(clock.clone()));
        let public = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
        verifier.set_user_keys(&[VerifyingKey { id: "k1".into(), public }]);
        let claims = Claims {
            iss: "segue".into(),
            aud: "segue".into(),
            sub: UserId::new().to_string(),
            sid: SessionId::new().to_string(),
            adm: false,
            iat: 1_000,
            exp: 1_900,
        };
        (verifier, clock, claims)
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let (verifier, clock, claims) = set_up();
        let token = sign_token("k1", &[1; 32], &claims).unwrap();
        assert!(matches!(verifier.verify(&token), Ok(Caller::User(_))));
        clock.advance(Duration::from_secs(899));
        assert!(verifier.verify(&token).is_ok());
        clock.advance(Duration::from_secs(1));
        assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let (verifier, _, claims) = set_up();
        let other_issuer = Claims { iss: "evil".into(), ..claims.clone() };
        let other_audience = Claims { aud: "other".into(), ..claims.clone() };
        let as_role = Claims { iss: ROLE_ISSUER.into(), sub: "song".into(), ..claims.clone() };
        let good = sign_token("k1", &[1; 32], &claims).unwrap();
        let body = good.split('.').nth(1).unwrap();
        let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"k1"}"#));
        let public = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
        let mut hs = Header::new(Algorithm::HS256);
        hs.kid = Some("k1".into());
        let confused = jsonwebtoken::encode(&hs, &claims, &EncodingKey::from_secret(&public)).unwrap();
        for (name, token) in [
            ("other key", sign_token("k1", &[2; 32], &claims).unwrap()),
            ("unknown key", sign_token("k2", &[1; 32], &claims).unwrap()),
            ("other issuer", sign_token("k1", &[1; 32], &other_issuer).unwrap()),
            ("other audience", sign_token("k1", &[1; 32], &other_audience).unwrap()),
            ("a user's key for a role", sign_token("k1", &[1; 32], &as_role).unwrap()),
            ("none", none),
            ("key confusion", confused),
            ("cut", good[..good.len() - 2].to_owned()),
            ("garbage", "a.b.c".into()),
            ("empty", String::new()),
            ("huge", "a".repeat(100_000)),
        ] {
            assert_eq!(verifier.verify(&token), Err(TokenError::Invalid), "{name}");
        }
    }

    #[test]
    fn a_revoked_session_ends_at_once_though_its_token_was_cached() {
        let (verifier, _, claims) = set_up();
        let token = sign_token("k1", &[1; 32], &claims).unwrap();
        assert!(verifier.verify(&token).is_ok());
        verifier.revoke_session(claims.sid.parse().unwrap());
        assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));
    }

    #[test]
    fn a_role_proves_itself() {
        let (verifier, clock, _) = set_up();
        let signer = RoleSigner::new("encoder", [9; 32], "segue", Arc::new(clock));
        assert_eq!(verifier.verify(&signer.token().unwrap()), Err(TokenError::Invalid));
        verifier.set_role_keys(&[signer.verifying_key()]);
        assert_eq!(verifier.verify(&signer.token().unwrap()), Ok(Caller::Role("encoder".into())));
    }
}
