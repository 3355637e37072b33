//! The choice of engines.

use crate::{cli::Role, config::Config, crash, secrets::Secrets};
use anyhow::Context;
use axum::Router;
use segue_blob::{Directory, DirectoryConfig, SecretKey};
use segue_bus::Embedded;
use segue_domain::{Clock, GrantSigner, GrantVerifier, SystemClock};
use segue_ports::{blob::BlobStore, bus::Bus};
use segue_store::{DatabaseUrl, Store, StoreConfig};
use std::sync::Arc;

/// The embedded engines of one process.
pub(crate) struct Engines {
    pub(crate) store: Store,
    pub(crate) blob: Directory,
    bus: Embedded,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Engines {
    /// Opens (on the first run: makes) everything in the data folder.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let data = &config.process.data;
        let secrets = Secrets::open(data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let url = match config.store.url.is_empty() {
            true => format!("sqlite://{}", data.join("segue.db").display()),
            false => config.store.url.clone(),
        };
        let store = StoreConfig::new(DatabaseUrl::new(url));
        let store = Store::connect_with(&store, crash::point)
            .await
            .context("cannot open the database; check store.url")?;
        store.migrate_outbox().await.context("cannot bring the database up to date")?;

        let bus = segue_bus::Config { crash: crash::point };
        let bus = Embedded::open_with(&data.join("bus.db"), clock.clone(), bus)
            .await
            .context("cannot open the queues")?;

        let mut blob =
            DirectoryConfig::new(data.join("blobs"), SecretKey::from_base64(&secrets.blob_account_key)?);
        blob.account.clone_from(&config.blob.account);
        blob.container.clone_from(&config.blob.container);
        blob.max_object_bytes = config.song.max_file_bytes;
        blob.crash = crash::point;
        let blob = Directory::open(blob, clock.clone()).await.context("cannot open the blob store")?;
        Ok(Self { store, blob, bus, secrets, clock })
    }

    pub(crate) fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.bus.clone())
    }
    pub(crate) fn blob(&self) -> Arc<dyn BlobStore> {
        Arc::new(self.blob.clone())
    }
    pub(crate) fn grants(&self) -> anyhow::Result<GrantSigner> {
        Ok(GrantSigner::from_seed(&self.secrets.grant_seed()?))
    }
    pub(crate) fn grant_verifier(&self) -> anyhow::Result<GrantVerifier> {
        Ok(GrantVerifier::new(&[self.grants()?.public_key()])?)
    }

    /// The embedded blob store's door for clients, in a process that serves them.
    pub(crate) fn blob_router(&self, roles: &[Role]) -> Option<Router> {
        let door = [Role::Gateway, Role::Song].iter().any(|role| roles.contains(role));
        door.then(|| self.blob.router())
    }

    pub(crate) async fn close(self) {
        self.bus.close();
        self.store.close().await;
    }
}
