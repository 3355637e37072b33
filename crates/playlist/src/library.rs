//! Likes and listening history, each account's own. Where the role meets them.

use crate::role::Role;
use sea_orm_migration::MigrationTrait;
use segue_ports::bus::WorkQueue;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The tables of the library, after those of playlists.
pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    Vec::new()
}

/// The work queues of the library.
pub(crate) fn queues() -> Vec<WorkQueue> {
    Vec::new()
}

/// Consumes facts and does what else goes on beside the service, until `shutdown`.
pub(crate) async fn run(_role: Arc<Role>, shutdown: CancellationToken) {
    shutdown.cancelled().await;
}
