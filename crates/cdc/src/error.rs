//! What the caller of the relay can do about an error.

use segue_domain::{Code, Coded};
use segue_store::StoreError;

/// Why the relay did not start. Once it runs it does not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Configure the embedded store, or run the relay that reads the replication stream.
    #[error("this relay reads the outbox of the embedded SQLite store; PostgreSQL needs logical replication")]
    NotEmbedded,
    /// The table of cursors could not be made.
    #[error("relay could not prepare its table: {0}")]
    Store(#[from] StoreError),
}

impl Coded for RelayError {
    fn code(&self) -> Code {
        match self {
            Self::NotEmbedded => Code::FailedPrecondition,
            Self::Store(error) => error.code(),
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::NotEmbedded => "RELAY_NEEDS_EMBEDDED_STORE",
            Self::Store(error) => error.reason(),
        }
    }
}
