//! Where facts come from.

use crate::{fact::Fact, postgres::pgoutput::Malformed};
use async_trait::async_trait;
use pgwire_replication::PgWireError;
use sea_orm::{DbErr, sqlx};

/// Most facts that are handed over, published and confirmed together.
pub(crate) const BATCH: usize = 256;

/// Committed facts, one batch after the other. Whoever opened a source is the only one that reads the database
/// through it.
#[async_trait]
pub(crate) trait ChangeSource: Send {
    /// The next facts, at most [`BATCH`], in order per subject: each committed fact at least once, and none
    /// before everybody who reads the primary sees its transaction. Nothing when a moment passed without any.
    /// Cancel-safe.
    async fn next(&mut self) -> Result<Vec<Fact>, SourceError>;

    /// Everything that [`next`](Self::next) gave so far is published and durable at the bus: remember it, so
    /// that it is not given again. A source that dies before it remembered gives those facts again.
    async fn confirm(&mut self) -> Result<(), SourceError>;

    /// Ends in good order, for at most 2 s.
    async fn close(&mut self) {}
}

/// Why a source could not be opened, or ended. All of it is tried again: with a new source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Not a fault: another process carries the facts.
    #[error("another relay is active")]
    Standby,
    /// Someone must act: the message says what to do.
    #[error("{0}")]
    Setup(String),
    /// No server is reachable and takes writes; the last failure.
    #[error("no primary was found: {0}")]
    NoPrimary(String),
    /// The replication connection.
    #[error("replication stream: {0}")]
    Stream(#[from] PgWireError),
    /// The stream says something that was not expected.
    #[error("replication stream: {0}")]
    Malformed(#[from] Malformed),
    /// The server describes a snapshot in another way than it should.
    #[error("snapshot cannot be read: {0:?}")]
    Snapshot(String),
    /// A statement.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A statement of the embedded store.
    #[error("embedded database: {0}")]
    Embedded(#[from] DbErr),
    /// A connection that is open but dead.
    #[error("database was silent for too long")]
    Silent,
}
