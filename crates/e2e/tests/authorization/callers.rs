//! Kinds of callers, and their tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use segue_e2e::world::World;
use serde_json::Value;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    /// Without a token.
    Anonymous,
    /// Owns the songs and playlists.
    Owner,
    /// May edit the playlists.
    Editor,
    /// May see the playlists.
    Viewer,
    /// Follows the playlists, as long as they are to be seen.
    Follower,
    /// Has nothing to do with any of it.
    Stranger,
    /// An administrator who has nothing to do with any of it.
    Admin,
    /// The owner with a token that was good and has ended.
    Expired,
    /// The owner with a token of a session that was signed out.
    Revoked,
    /// Another role of Segue, with a role's token.
    Role,
}

impl Caller {
    /// Those whom the table has a column for. Destructive calls come from the owner last.
    pub(crate) const LIVE: [Self; 7] = [
        Self::Anonymous,
        Self::Stranger,
        Self::Follower,
        Self::Viewer,
        Self::Editor,
        Self::Admin,
        Self::Owner,
    ];
    /// Everybody; those who are always refused come first.
    pub(crate) const ALL: [Self; 10] = [
        Self::Expired,
        Self::Revoked,
        Self::Role,
        Self::Anonymous,
        Self::Stranger,
        Self::Follower,
        Self::Viewer,
        Self::Editor,
        Self::Admin,
        Self::Owner,
    ];
}

/// A user's token with its time moved into the past, signed anew with the installation's own key: nothing else is wrong
/// with it.
pub(crate) async fn expired(world: &World, good: &str) -> String {
    let header = jsonwebtoken::decode_header(good).unwrap();
    let body = URL_SAFE_NO_PAD.decode(good.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&body).unwrap();
    for name in ["iat", "exp"] {
        claims[name] = (claims[name].as_i64().unwrap() - 3_600).into();
    }
    let mut again = Header::new(Algorithm::EdDSA);
    again.kid = header.kid;
    let seed = signing_seed(world).await;
    jsonwebtoken::encode(&again, &claims, &EncodingKey::from_ed_der(&pkcs8(&seed))).unwrap()
}

/// A token as roles make them for each other.
pub(crate) fn role(world: &World) -> String {
    let secrets = match world {
        World::Up(up) => std::fs::read(up.data().join("secrets.json")).unwrap(),
        World::Mesh { mesh, .. } => {
            let text = std::fs::read_to_string(mesh.configuration()).unwrap();
            std::fs::read(setting(&text, "keys", "file")).unwrap()
        }
    };
    let secrets: Value = serde_json::from_slice(&secrets).unwrap();
    let seed: [u8; 32] = hex::decode(secrets["role_seed"].as_str().unwrap()).unwrap().try_into().unwrap();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(format!("role-{}", URL_SAFE_NO_PAD.encode(&public[..6])));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = serde_json::json!({
        "iss": "segue-role", "aud": "segue", "sub": "song", "sid": "", "adm": false, "iat": now, "exp": now + 300,
    });
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&pkcs8(&seed))).unwrap()
}

/// The newest key that signs users' tokens, as the identity role keeps it.
async fn signing_seed(world: &World) -> Vec<u8> {
    let url = match world {
        World::Up(up) => format!("sqlite://{}?mode=ro", up.data().join("segue.db").display()),
        World::Mesh { mesh, .. } => {
            let text = std::fs::read_to_string(mesh.configuration()).unwrap();
            setting(&text, "store", "url")
        }
    };
    let database = Database::connect(url).await.unwrap();
    let backend: DbBackend = database.get_database_backend();
    let query = "SELECT seed FROM identity_signing_keys ORDER BY number DESC LIMIT 1";
    let row = database.query_one_raw(Statement::from_string(backend, query)).await.unwrap().unwrap();
    row.try_get("", "seed").unwrap()
}

/// A text of a section of a TOML file as `cargo xtask` writes it.
fn setting(toml: &str, section: &str, key: &str) -> String {
    let inside =
        toml.split(&format!("[{section}]")).nth(1).unwrap_or_else(|| panic!("no [{section}] in {toml}"));
    let line = inside.lines().find(|l| l.trim_start().starts_with(&format!("{key} ="))).expect(key);
    line.split_once('=').unwrap().1.trim().trim_matches(['"', '\'']).to_owned()
}

/// PKCS #8 of an Ed25519 seed (RFC 8410): a fixed prefix and the seed.
fn pkcs8(seed: &[u8]) -> Vec<u8> {
    const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [&PREFIX[..], seed].concat()
}
