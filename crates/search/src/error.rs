//! What a caller of the search role can do about an error.

use segue_domain::{Code, Coded, FieldViolation};
use segue_ports::{bus::BusError, index::IndexError};
use std::time::Duration;

/// An error of the search role.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Change these fields.
    #[error("{}", FieldViolation::sentence(.0))]
    Invalid(Vec<FieldViolation>),
    /// Another process is at it.
    #[error("another process is rebuilding the index; wait for it, or try again later")]
    Rebuilding,
    /// One comparison at a time.
    #[error("the index is being compared for someone else; try again in a moment")]
    Verifying,
    /// The process ends.
    #[error("this server is shutting down; try again")]
    Closing,
    /// The index.
    #[error(transparent)]
    Index(IndexError),
    /// The service of that name, which owns what can be found, did not answer.
    #[error("{0} service does not answer: {1}")]
    Owner(&'static str, String),
    /// The service of that name is of a version that does not know what it was asked.
    #[error("the {0} service is of an older version and cannot say what it has; bring it up to date")]
    Unknown(&'static str),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// One wrong field.
    pub(crate) fn field(field: &str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, description)])
    }
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Rebuilding => Self::Rebuilding,
            IndexError::Cursor => Self::field("page_token", "is not known any more; begin again without it"),
            IndexError::Unavailable(_) => Self::Index(error),
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::Rebuilding | Self::Unknown(_) => Code::FailedPrecondition,
            Self::Verifying => Code::ResourceExhausted,
            Self::Closing | Self::Index(_) | Self::Owner(..) | Self::Bus(_) => Code::Unavailable,
            Self::Internal(_) | Self::Config(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELD_INVALID",
            Self::Rebuilding => "INDEX_REBUILDING",
            Self::Verifying => "INDEX_VERIFYING",
            Self::Closing => "SHUTTING_DOWN",
            Self::Index(_) => "INDEX_UNAVAILABLE",
            Self::Owner("playlist", _) => "PLAYLIST_SERVICE_UNAVAILABLE",
            Self::Owner(..) => "SONG_SERVICE_UNAVAILABLE",
            Self::Unknown(_) => "SERVICE_UNKNOWN",
            Self::Bus(_) => "BUS_UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
            Self::Config(_) => "CONFIG_INVALID",
        }
    }

    fn fields(&self) -> Vec<FieldViolation> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Verifying => Some(Duration::from_secs(5)),
            Self::Closing | Self::Index(_) | Self::Owner(..) | Self::Bus(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}
