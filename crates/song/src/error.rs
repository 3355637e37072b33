//! What a caller of the song role can do about an error.

use segue_domain::{AlbumId, ArtistId, Code, Coded, FieldViolation, SongId, SongState};
use segue_ports::{
    blob::BlobError,
    bus::{BusError, HubError},
    cache::LoadError,
};
use segue_store::StoreError;
use std::time::Duration;

/// An error of the song role.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Change these fields.
    #[error("{}", FieldViolation::sentence(.0))]
    Invalid(Vec<FieldViolation>),
    /// It is not there, or not for this caller.
    #[error("there is no song {0}, or it is not yours to see")]
    NotFound(SongId),
    /// It is not there, or the caller sees none of its songs.
    #[error("there is no album {0}, or none of its songs is yours to see")]
    NoAlbum(AlbumId),
    /// They are not there, or the caller sees none of their songs.
    #[error("there is no artist {0}, or none of their songs is yours to see")]
    NoArtist(ArtistId),
    /// Its tags have no words.
    #[error("the song {0} has no lyrics in its tags")]
    NoLyrics(SongId),
    /// The caller sees the song but does not own it.
    #[error("only its owner can do this with a song")]
    NotOwner,
    /// The request_id was used for other content.
    #[error("request_id already names a song with other content; use a new UUIDv7")]
    AlreadyExists,
    /// The request_id was used for a song that has been deleted since.
    #[error("request_id named a song that has been deleted; use a new UUIDv7")]
    WasDeleted,
    /// Read again and repeat the change.
    #[error("the song has changed since etag was read; read it again and repeat the change")]
    StaleEtag,
    /// Others changed the song all the time.
    #[error("the song is being changed by others; try again")]
    Contended,
    /// Not before READY.
    #[error("the song is {0} and cannot be played before it is READY; wait with WatchSong")]
    NotReady(SongState),
    /// Only FAILED songs are tried again.
    #[error("the song is {0}; only a FAILED song can be tried again")]
    NotFailed(SongState),
    /// Its bytes are complete.
    #[error("the song is {0}: its upload is complete and needs no new URL")]
    UploadComplete(SongState),
    /// Too long ago.
    #[error("the upload has expired; create the song again")]
    UploadExpired,
    /// Put the missing blocks, then complete again.
    #[error("{count} of {total} blocks are missing ({missing}); put them and call CompleteUpload again")]
    UploadIncomplete {
        /// Block numbers, as ranges: "3-7,9"; cut after some.
        missing: String,
        /// How many are missing.
        count: u32,
        /// How many the song has.
        total: u32,
        /// Bytes of the blocks that are there.
        received_bytes: u64,
    },
    /// What was stored is not what was declared. It is deleted.
    #[error(
        "{found} bytes were stored but {declared} were declared; they were deleted, upload the file again"
    )]
    UploadSizeMismatch {
        /// Bytes that CreateSong declared.
        declared: u64,
        /// Bytes that were stored.
        found: u64,
    },
    /// The account is full.
    #[error("your library is full: {0}; delete songs to make room")]
    Quota(String),
    /// Too many streams.
    #[error("too many songs are being watched at the moment; try again later, or poll with GetSong")]
    TooManyWatchers,
    /// The process ends.
    #[error("this server is shutting down; try again")]
    Closing,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database, asked once for several callers.
    #[error("{0}")]
    Rows(LoadError),
    /// The blob store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A fact that cannot be understood.
    #[error("event cannot be understood: {0}")]
    Malformed(String),
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

    /// True when trying again later, unchanged, may work.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.code(), Code::Unavailable | Code::Aborted)
    }
}

impl From<HubError> for Error {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Full => Self::TooManyWatchers,
            HubError::Closed => Self::Closing,
        }
    }
}

/// What the database said. Anything else is a load that was given up.
fn store(error: &LoadError) -> Option<&StoreError> {
    error.downcast_ref()
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound(_) | Self::NoAlbum(_) | Self::NoArtist(_) | Self::NoLyrics(_) => Code::NotFound,
            Self::NotOwner => Code::PermissionDenied,
            Self::AlreadyExists | Self::WasDeleted => Code::AlreadyExists,
            Self::StaleEtag | Self::Contended => Code::Aborted,
            Self::NotReady(_)
            | Self::NotFailed(_)
            | Self::UploadComplete(_)
            | Self::UploadExpired
            | Self::UploadIncomplete { .. }
            | Self::UploadSizeMismatch { .. } => Code::FailedPrecondition,
            Self::Quota(_) | Self::TooManyWatchers => Code::ResourceExhausted,
            Self::Closing | Self::Blob(_) | Self::Bus(_) => Code::Unavailable,
            Self::Store(e) => e.code(),
            Self::Rows(e) => store(e).map_or(Code::Unavailable, StoreError::code),
            Self::Malformed(_) | Self::Internal(_) | Self::Config(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELD_INVALID",
            Self::NotFound(_) => "SONG_NOT_FOUND",
            Self::NoAlbum(_) => "ALBUM_NOT_FOUND",
            Self::NoArtist(_) => "ARTIST_NOT_FOUND",
            Self::NoLyrics(_) => "LYRICS_NOT_FOUND",
            Self::NotOwner => "NOT_OWNER",
            Self::AlreadyExists => "SONG_ALREADY_EXISTS",
            Self::WasDeleted => "SONG_DELETED",
            Self::StaleEtag => "ETAG_STALE",
            Self::Contended => "SONG_CONTENDED",
            Self::NotReady(_) => "SONG_NOT_READY",
            Self::NotFailed(_) => "SONG_NOT_FAILED",
            Self::UploadComplete(_) => "UPLOAD_COMPLETE",
            Self::UploadExpired => "UPLOAD_EXPIRED",
            Self::UploadIncomplete { .. } => "UPLOAD_INCOMPLETE",
            Self::UploadSizeMismatch { .. } => "UPLOAD_SIZE_MISMATCH",
            Self::Quota(_) => "QUOTA_EXCEEDED",
            Self::TooManyWatchers => "TOO_MANY_WATCHERS",
            Self::Closing => "SHUTTING_DOWN",
            Self::Store(e) => e.reason(),
            Self::Rows(e) => store(e).map_or("DATABASE_UNAVAILABLE", StoreError::reason),
            Self::Blob(_) => "BLOB_STORE_UNAVAILABLE",
            Self::Bus(_) => "BUS_UNAVAILABLE",
            Self::Malformed(_) => "EVENT_MALFORMED",
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

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotReady(state) | Self::NotFailed(state) | Self::UploadComplete(state) => {
                vec![("state", state.to_string())]
            }
            Self::UploadIncomplete { missing, count, received_bytes, .. } => vec![
                ("missing_blocks", missing.clone()),
                ("missing_count", count.to_string()),
                ("received_bytes", received_bytes.to_string()),
            ],
            Self::UploadSizeMismatch { declared, found } => {
                vec![("declared_bytes", declared.to_string()), ("stored_bytes", found.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(e) => e.retry_after(),
            Self::Rows(e) => store(e).and_then(StoreError::retry_after),
            Self::Contended => Some(Duration::from_millis(100)),
            Self::TooManyWatchers => Some(Duration::from_secs(10)),
            Self::Closing | Self::Blob(_) | Self::Bus(_) => Some(Duration::from_millis(500)),
            _ => None,
        }
    }
}
