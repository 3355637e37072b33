//! The edge role: a CDN node. It checks a listener's grant, and serves the immutable media of outputs out of memory,
//! out of a disk cache, or while it pulls them from the blob store, once however many ask.
//!
//! It owns its cache folder and nothing else: no database, no bus. It must not redirect (Apple's authoring rule 8.18),
//! rewrite a playlist (URLs in them are relative, so the grant in the path carries over), or reach anything in
//! the blob store but `media/{song_id}/{output_id}/…`.
#![forbid(unsafe_code)]

mod body;
mod cache;
mod condition;
mod config;
mod error;
mod fill;
mod grants;
mod gzip;
mod lock;
mod lru;
mod meter;
mod node;
mod path;
mod prefetch;
mod pull;
mod respond;
mod serve;

pub use config::EdgeConfig;
pub use error::Error;

use axum::{Router, routing::any};
use segue_domain::{Clock, GrantVerifier};
use segue_ports::blob::BlobStore;
use std::{io, sync::Arc};

/// What an edge needs from outside.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The origin. Only `get` is called, and only for objects under `media/`.
    pub blob: Arc<dyn BlobStore>,
    /// The public keys of those who sign grants.
    pub grants: GrantVerifier,
    /// The time by which grants expire.
    pub clock: Arc<dyn Clock>,
}

/// A CDN node. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Edge {
    node: Arc<node::Node>,
}

impl Edge {
    /// Opens the cache folder and rebuilds its index from file names (20,000 objects take a fraction of a second). Install the
    /// metrics recorder before.
    ///
    /// # Errors
    /// When another process has the folder, or it cannot be used.
    pub async fn open(config: EdgeConfig, deps: Deps) -> Result<Self, Error> {
        let (folder, limit) = (config.cache_dir.clone(), config.disk_bytes);
        let opened = tokio::task::spawn_blocking(move || cache::disk::Disk::open(&folder, limit)).await;
        let disk =
            opened.unwrap_or_else(|e| Err(io::Error::other(e))).map_err(|source| match source.kind() {
                io::ErrorKind::WouldBlock => Error::InUse(config.cache_dir.clone()),
                _ => Error::Folder { path: config.cache_dir.clone(), source },
            })?;
        let node = node::Node::new(config, deps, disk);
        node.meter.disk_used.set(node.disk.used() as f64);
        tracing::info!(disk_bytes = node.disk.used(), "edge cache is open");
        Ok(Self { node: Arc::new(node) })
    }

    /// Serves GET, HEAD and OPTIONS of `/media/{grant}/{song_id}/{output_id}/…`; every other method there is 405.
    pub fn router(&self) -> Router {
        Router::new().route("/media/{*path}", any(serve::serve)).with_state(self.node.clone())
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("config", &self.node.config).finish_non_exhaustive()
    }
}
