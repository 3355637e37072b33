//! Keys that a single-process server makes for itself on its first run.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// Kept in `secrets.json`, readable by its owner only. Does not print.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// The blob store's account key, base64.
    pub(crate) blob_account_key: String,
    /// Seed of the key that signs playback grants, hex.
    grant_seed: String,
    /// Seed of the key by which roles prove themselves, hex.
    role_seed: String,
}

impl Secrets {
    /// Reads them, or makes them.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("secrets.json");
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Self {
                    blob_account_key: STANDARD.encode(random::<64>()),
                    grant_seed: hex::encode(random::<32>()),
                    role_seed: hex::encode(random::<32>()),
                };
                let temporary = folder.join("secrets.json.new");
                let mut file = fs::File::options()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o600)
                    .open(&temporary)?;
                file.write_all(&serde_json::to_vec_pretty(&secrets)?)?;
                file.sync_all()?;
                fs::rename(&temporary, &path)?;
                Ok(secrets)
            }
            Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub(crate) fn grant_seed(&self) -> anyhow::Result<[u8; 32]> {
        seed(&self.grant_seed)
    }
    pub(crate) fn role_seed(&self) -> anyhow::Result<[u8; 32]> {
        seed(&self.role_seed)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn seed(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(text).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
    bytes.context("secrets.json is damaged: a seed is not 64 hex digits")
}
