//! What the caller of the relay can do about an error.

use segue_domain::{Code, Coded};
use segue_store::StoreError;

/// Why the relay did not start, or could not provision. Once it runs it does not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Say where the servers are: the store's pools do not tell.
    #[error("the relay needs the servers of the PostgreSQL store")]
    NoServers,
    /// Correct the URL.
    #[error("the URL of a database cannot be used: {0}")]
    Url(String),
    /// Correct the setting that the sentence names.
    #[error("{0}")]
    Config(String),
    /// The tables of the relay could not be made.
    #[error("relay could not prepare its tables: {0}")]
    Store(#[from] StoreError),
    /// Publication or slot could not be made; the message says what is missing.
    #[error("relay could not provision database {database}: {reason}")]
    Provision {
        /// Which database.
        database: String,
        /// Why.
        reason: String,
    },
}

impl Coded for RelayError {
    fn code(&self) -> Code {
        match self {
            Self::NoServers | Self::Url(_) | Self::Config(_) | Self::Provision { .. } => {
                Code::FailedPrecondition
            }
            Self::Store(error) => error.code(),
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::NoServers => "RELAY_NEEDS_SERVERS",
            Self::Url(_) => "RELAY_URL_UNUSABLE",
            Self::Config(_) => "RELAY_CONFIG_UNUSABLE",
            Self::Store(error) => error.reason(),
            Self::Provision { .. } => "RELAY_NOT_PROVISIONED",
        }
    }
}
