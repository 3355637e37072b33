//! The choice of engines: embedded, or those that the configuration names. A process opens what its roles need.

use crate::{
    cli::Role,
    config::{Config, ConfigError},
    crash,
    keys::Keys,
};
use anyhow::Context;
use axum::Router;
use segue_blob::{Azure, AzureReader, Directory, DirectoryConfig, SecretKey};
use segue_bus::{Embedded, Rabbit};
use segue_cache::{Redis, Tiered};
use segue_domain::{Clock, SystemClock};
use segue_index::{OpenSearch, Tantivy, TantivyConfig};
use segue_ports::{blob::BlobStore, bus::Bus, index::Index};
use segue_store::{DatabaseUrl, Hooks, Store};
use std::sync::Arc;

/// The engines of one process.
pub(crate) struct Engines {
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    store: Option<Store>,
    bus: Option<BusEngine>,
    blob: Option<BlobEngine>,
    index: Option<IndexEngine>,
    redis: Option<Redis>,
    cache: Option<Tiered>,
}

enum BusEngine {
    Embedded(Embedded),
    Rabbit(Rabbit),
}

enum BlobEngine {
    Directory(Directory),
    Azure(Azure),
    Reader(AzureReader),
}

enum IndexEngine {
    Tantivy(Tantivy),
    OpenSearch(OpenSearch),
}

impl Engines {
    /// Opens what these roles need; embedded engines are made on the first run, others must have been provisioned unless
    /// that is what this process does.
    pub(crate) async fn open(config: &Config, roles: &[Role], provisioning: bool) -> anyhow::Result<Self> {
        let any = |needing: &[Role]| roles.iter().any(|role| needing.contains(role));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut engines = Self {
            keys: Keys::open(config)?,
            clock: clock.clone(),
            store: None,
            bus: None,
            blob: None,
            index: None,
            redis: None,
            cache: None,
        };
        if any(&[Role::Identity, Role::Song, Role::Playlist, Role::Encoder, Role::Cdc]) {
            engines.store =
                Some(if provisioning { store(config).await? } else { provisioned(config).await? });
        }
        if roles.iter().any(|role| *role != Role::Edge) {
            engines.bus = Some(bus(config, &clock).await?);
        }
        if any(&[Role::Song, Role::Encoder, Role::Edge]) {
            let edge_only = !any(&[Role::Song, Role::Encoder]);
            engines.blob = Some(blob(config, &engines.keys, &clock, edge_only).await?);
        }
        if any(&[Role::Search]) {
            engines.index = Some(index(config).await?);
        }
        if any(&[Role::Song, Role::Playlist, Role::Gateway]) {
            engines.redis = match config.cache.redis.url.is_empty() {
                true => None,
                false => Some(Redis::connect(&config.cache.redis, clock.clone())?),
            };
            engines.cache = Some(Tiered::new(&config.cache, engines.redis.clone(), clock)?);
        }
        Ok(engines)
    }

    pub(crate) fn store(&self) -> anyhow::Result<&Store> {
        self.store.as_ref().context("no database was opened for this role")
    }

    pub(crate) fn bus(&self) -> anyhow::Result<Arc<dyn Bus>> {
        match self.bus.as_ref().context("no bus was opened for this role")? {
            BusEngine::Embedded(bus) => Ok(Arc::new(bus.clone())),
            BusEngine::Rabbit(bus) => Ok(Arc::new(bus.clone())),
        }
    }

    /// The broker, when there is one.
    pub(crate) fn rabbit(&self) -> Option<&Rabbit> {
        match &self.bus {
            Some(BusEngine::Rabbit(bus)) => Some(bus),
            _ => None,
        }
    }

    pub(crate) fn blob(&self) -> anyhow::Result<Arc<dyn BlobStore>> {
        Ok(match self.blob.as_ref().context("no blob store was opened for this role")? {
            BlobEngine::Directory(blob) => Arc::new(blob.clone()),
            BlobEngine::Azure(blob) => Arc::new(blob.clone()),
            BlobEngine::Reader(blob) => Arc::new(blob.clone()),
        })
    }

    /// The account, when blobs are in Azure and this process has its key.
    pub(crate) fn azure(&self) -> Option<&Azure> {
        match &self.blob {
            Some(BlobEngine::Azure(blob)) => Some(blob),
            _ => None,
        }
    }

    /// The embedded blob store's door for clients.
    pub(crate) fn blob_router(&self) -> Option<Router> {
        match &self.blob {
            Some(BlobEngine::Directory(blob)) => Some(blob.router()),
            _ => None,
        }
    }

    pub(crate) fn index(&self) -> anyhow::Result<Arc<dyn Index>> {
        Ok(match self.index.as_ref().context("no index was opened for this role")? {
            IndexEngine::Tantivy(index) => Arc::new(index.clone()),
            IndexEngine::OpenSearch(index) => Arc::new(index.clone()),
        })
    }

    pub(crate) fn cache(&self) -> anyhow::Result<&Tiered> {
        self.cache.as_ref().context("no cache was opened for this role")
    }

    /// Redis, when it is configured.
    pub(crate) fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    pub(crate) async fn close(self) {
        match &self.bus {
            Some(BusEngine::Embedded(bus)) => bus.close(),
            Some(BusEngine::Rabbit(bus)) => bus.close().await,
            None => {}
        }
        if let Some(IndexEngine::Tantivy(index)) = &self.index
            && let Err(error) = index.sync().await
        {
            tracing::warn!(%error, "the index was not synced; what is missing comes again");
        }
        if let Some(redis) = &self.redis {
            redis.close().await;
        }
        if let Some(store) = &self.store {
            store.close().await;
        }
    }
}

async fn store(config: &Config) -> anyhow::Result<Store> {
    let mut section = config.store.clone();
    if section.url.is_empty() {
        let file = config.process.data.join("segue.db");
        section.url = DatabaseUrl::new(format!("sqlite://{}", file.display()));
    }
    let hooks = Hooks { crash: crash::point, remaining: segue_mesh::deadline::remaining };
    let store = Store::connect_hooked(&section, hooks).await?;
    if section.is_sqlite() {
        store.migrate_outbox().await.context("cannot bring the database up to date")?;
    }
    Ok(store)
}

/// As [`store`], for processes that must find what was provisioned.
async fn provisioned(config: &Config) -> anyhow::Result<Store> {
    let store = store(config).await?;
    store.outbox_migrated().await?;
    Ok(store)
}

async fn bus(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<BusEngine> {
    if !config.bus.url.is_empty() {
        let rabbit = Rabbit::connect(config.bus.clone(), clock.clone()).await;
        return Ok(BusEngine::Rabbit(rabbit.map_err(|e| ConfigError::value("bus", e.to_string()))?));
    }
    let own = segue_bus::Config { crash: crash::point };
    let bus = Embedded::open_with(&config.process.data.join("bus.db"), clock.clone(), own).await;
    Ok(BusEngine::Embedded(bus.context("cannot open the queues")?))
}

async fn blob(
    config: &Config,
    keys: &Keys,
    clock: &Arc<dyn Clock>,
    edge_only: bool,
) -> anyhow::Result<BlobEngine> {
    let section = &config.blob;
    let wrong = |of: &str, e: segue_blob::AzureConfigError| {
        ConfigError::value(&format!("blob.{of}.{}", e.key), e.message)
    };
    if edge_only && !section.reader.endpoint.is_empty() {
        let reader = AzureReader::new(&section.reader, clock.clone()).map_err(|e| wrong("reader", e))?;
        return Ok(BlobEngine::Reader(reader));
    }
    if section.azure.is_set() {
        let azure = Azure::new(&section.azure, clock.clone()).map_err(|e| wrong("azure", e))?;
        return Ok(BlobEngine::Azure(azure));
    }
    let key = SecretKey::from_base64(&keys.secrets()?.blob_account_key)?;
    let mut own = DirectoryConfig::new(config.process.data.join("blobs"), key);
    own.account.clone_from(&section.account);
    own.container.clone_from(&section.container);
    own.max_object_bytes = config.song.max_file_bytes;
    own.crash = crash::point;
    Ok(BlobEngine::Directory(
        Directory::open(own, clock.clone()).await.context("cannot open the blob store")?,
    ))
}

async fn index(config: &Config) -> anyhow::Result<IndexEngine> {
    if config.index.url.is_empty() {
        let folder = config.process.data.join("index");
        let index = Tantivy::open(folder, TantivyConfig::default()).await.context("cannot open the index")?;
        return Ok(IndexEngine::Tantivy(index));
    }
    if !["http://", "https://"].iter().any(|scheme| config.index.url.starts_with(scheme)) {
        return Err(ConfigError::value("index.url", "must be http://host:port or https://host:port").into());
    }
    let index = OpenSearch::new(config.index.engine());
    Ok(IndexEngine::OpenSearch(index.map_err(|e| ConfigError::value("index", e.to_string()))?))
}
