//! What a caller of the encoder role can do about an error.

use segue_domain::{Code, Coded, EncodingId, FieldViolation, PageError, SongId};
use segue_ports::bus::BusError;
use segue_store::StoreError;
use std::time::Duration;

/// An error of the encoder role.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Change this field.
    #[error("{}: {}", .0.field, .0.description)]
    Invalid(FieldViolation),
    /// Begin the list again.
    #[error(transparent)]
    Page(#[from] PageError),
    /// It is not there, or not for this caller.
    #[error("there is no encoding {0} of this song, or it is not yours to see")]
    NotFound(EncodingId),
    /// The song is not there, or not for this caller.
    #[error("there is no song {0}, or it is not yours to see")]
    SongNotFound(SongId),
    /// Only what has not ended can be cancelled.
    #[error("the encoding is {0} already and cannot be cancelled")]
    Ended(&'static str),
    /// Only what has failed can be tried again.
    #[error("the encoding is {0}; only a FAILED one can be tried again")]
    NotFailed(&'static str),
    /// Too many streams.
    #[error("too many encodings are being watched at the moment; try again later, or poll with GetEncoding")]
    TooManyWatchers,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The song service did not answer.
    #[error("song service does not answer: {0}")]
    Songs(String),
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
        Self::Invalid(FieldViolation::new(field, description))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::Page(_) => Code::InvalidArgument,
            Self::NotFound(_) | Self::SongNotFound(_) => Code::NotFound,
            Self::Ended(_) | Self::NotFailed(_) => Code::FailedPrecondition,
            Self::TooManyWatchers => Code::ResourceExhausted,
            Self::Store(e) => e.code(),
            Self::Bus(BusError::Refused(_)) => Code::Internal,
            Self::Bus(_) | Self::Songs(_) => Code::Unavailable,
            Self::Internal(_) | Self::Config(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELD_INVALID",
            Self::Page(PageError::NegativeSize) => "PAGE_SIZE_INVALID",
            Self::Page(_) => "PAGE_TOKEN_INVALID",
            Self::NotFound(_) => "ENCODING_NOT_FOUND",
            Self::SongNotFound(_) => "SONG_NOT_FOUND",
            Self::Ended(_) => "ENCODING_ENDED",
            Self::NotFailed(_) => "ENCODING_NOT_FAILED",
            Self::TooManyWatchers => "TOO_MANY_WATCHERS",
            Self::Store(e) => e.reason(),
            Self::Bus(BusError::Refused(_)) => "BUS_REFUSES",
            Self::Bus(_) => "BUS_UNAVAILABLE",
            Self::Songs(_) => "SONG_SERVICE_UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
            Self::Config(_) => "CONFIG_INVALID",
        }
    }

    fn fields(&self) -> Vec<FieldViolation> {
        match self {
            Self::Invalid(field) => vec![field.clone()],
            Self::Page(e) => {
                let field = if matches!(e, PageError::NegativeSize) { "page_size" } else { "page_token" };
                vec![FieldViolation::new(field, e.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Ended(state) | Self::NotFailed(state) => vec![("state", (*state).to_owned())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(e) => e.retry_after(),
            Self::Bus(BusError::Refused(_)) => None,
            Self::Bus(_) | Self::Songs(_) => Some(Duration::from_millis(500)),
            Self::TooManyWatchers => Some(Duration::from_secs(10)),
            _ => None,
        }
    }
}
