//! Keys of the installation: those that sign playback grants and prove roles to each other, and the embedded blob
//! store's account key.

use crate::config::{Config, ConfigError};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::Rng;
use segue_domain::{GrantSigner, GrantVerifier};
use segue_mesh::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What is secret. One file, readable by its owner only. Does not print.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// The blob store's account key, base64.
    pub(crate) blob_account_key: String,
    /// Seed of the key that signs playback grants, hex.
    grant_seed: String,
    /// Seed of the key by which roles prove themselves, hex.
    role_seed: String,
}

/// What everybody may know: enough for an edge, which verifies grants and makes none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PublicKeys {
    /// Ed25519 keys that verify playback grants, hex.
    grant: Vec<String>,
    /// Ed25519 keys that verify role tokens, hex.
    role: Vec<String>,
}

/// The keys that a process has.
pub(crate) struct Keys {
    secrets: Option<Secrets>,
    public: PublicKeys,
}

impl Keys {
    /// Reads the keys that the configuration names. Without any they are the installation's own, in the data folder,
    /// made on the first run.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let keys = &config.keys;
        if !keys.file.as_os_str().is_empty() {
            let secrets = read(&keys.file)?.with_context(|| missing("keys.file", &keys.file))?;
            return Self::of(secrets);
        }
        if !keys.public_file.as_os_str().is_empty() {
            let bytes = fs::read(&keys.public_file)
                .with_context(|| missing("keys.public_file", &keys.public_file))?;
            let public = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged", keys.public_file.display()))?;
            return Ok(Self { secrets: None, public });
        }
        Self::of(open_or_make(&config.process.data.join("secrets.json"))?)
    }

    /// Makes the files that the configuration names, as far as they are not there. Repeating it changes nothing.
    pub(crate) fn provision(config: &Config) -> anyhow::Result<()> {
        let keys = &config.keys;
        if keys.file.as_os_str().is_empty() {
            return Ok(());
        }
        let made = Self::of(open_or_make(&keys.file)?)?;
        if !keys.public_file.as_os_str().is_empty() {
            write(&keys.public_file, &serde_json::to_vec_pretty(&made.public)?, 0o644)?;
        }
        Ok(())
    }

    fn of(secrets: Secrets) -> anyhow::Result<Self> {
        let public = |text: &str| -> anyhow::Result<String> {
            Ok(hex::encode(ed25519_dalek::SigningKey::from_bytes(&seed(text)?).verifying_key().to_bytes()))
        };
        let public =
            PublicKeys { grant: vec![public(&secrets.grant_seed)?], role: vec![public(&secrets.role_seed)?] };
        Ok(Self { secrets: Some(secrets), public })
    }

    pub(crate) fn secrets(&self) -> Result<&Secrets, ConfigError> {
        self.secrets.as_ref().ok_or_else(|| {
            ConfigError::value("keys.file", "is needed here: this process signs, and has only public keys")
        })
    }

    pub(crate) fn grant_signer(&self) -> anyhow::Result<GrantSigner> {
        Ok(GrantSigner::from_seed(&seed(&self.secrets()?.grant_seed)?))
    }

    pub(crate) fn grant_verifier(&self) -> anyhow::Result<GrantVerifier> {
        let keys = self.public.grant.iter().map(|text| seed(text)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(GrantVerifier::new(&keys)?)
    }

    pub(crate) fn role_seed(&self) -> anyhow::Result<[u8; 32]> {
        seed(&self.secrets()?.role_seed)
    }

    pub(crate) fn role_keys(&self) -> anyhow::Result<Vec<VerifyingKey>> {
        self.public.role.iter().map(|text| Ok(VerifyingKey::of_role(seed(text)?))).collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

fn missing(key: &str, path: &Path) -> String {
    format!("configuration, at {key}: cannot read {}; run 'segue provision' first", path.display())
}

fn read(path: &Path) -> anyhow::Result<Option<Secrets>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?,
        )),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn open_or_make(path: &Path) -> anyhow::Result<Secrets> {
    if let Some(secrets) = read(path)? {
        return Ok(secrets);
    }
    let secrets = Secrets {
        blob_account_key: STANDARD.encode(random::<64>()),
        grant_seed: hex::encode(random::<32>()),
        role_seed: hex::encode(random::<32>()),
    };
    write(path, &serde_json::to_vec_pretty(&secrets)?, 0o600)?;
    Ok(secrets)
}

/// As a whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut temporary = PathBuf::from(path);
    temporary.as_mut_os_string().push(".new");
    let mut options = fs::File::options();
    let written =
        options.create(true).truncate(true).write(true).mode(mode).open(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn seed(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(text).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
    bytes.context("a file of keys is damaged: a key is not 64 hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_verifies_what_a_song_role_signs_and_signs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.keys.file = folder.path().join("keys.json");
        config.keys.public_file = folder.path().join("public.json");
        assert!(Keys::open(&config).is_err(), "nothing is made by those who only use it");
        Keys::provision(&config).unwrap();
        let whole = Keys::open(&config).unwrap();
        let before = fs::read(&config.keys.file).unwrap();
        Keys::provision(&config).unwrap();
        assert_eq!(fs::read(&config.keys.file).unwrap(), before, "made once");
        config.keys.file = PathBuf::new();
        let edge = Keys::open(&config).unwrap();
        assert!(edge.grant_signer().is_err() && edge.role_seed().is_err());
        assert_eq!(edge.role_keys().unwrap(), whole.role_keys().unwrap());
        assert_eq!(edge.public.grant, whole.public.grant);
    }
}
