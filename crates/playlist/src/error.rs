//! What a caller of the playlist role can do about an error.

use segue_domain::{Code, Coded, FieldViolation, ItemId, PlaylistId, SongId};
use segue_ports::{
    bus::{BusError, HubError},
    cache::LoadError,
};
use segue_store::StoreError;
use std::time::Duration;

/// An error of the playlist role.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Change these fields.
    #[error("{}", FieldViolation::sentence(.0))]
    Invalid(Vec<FieldViolation>),
    /// It is not there, or not for this caller.
    #[error("there is no playlist {0}, or it is not yours to see")]
    NotFound(PlaylistId),
    /// The item was removed, or never was in this playlist.
    #[error("there is no item {0} in this playlist; list its items again")]
    ItemNotFound(ItemId),
    /// Songs that are not there, or not for this caller.
    #[error("there is no song {0}, or it is not yours to see")]
    SongNotFound(SongId),
    /// There is no such account.
    #[error("there is no account {0:?}; ask for the e-mail address that they sign in with")]
    UserNotFound(String),
    /// No such invitation.
    #[error("there is no such invitation; ask for a new one")]
    InvitationNotFound,
    /// Too late.
    #[error("the invitation has expired; ask for a new one")]
    InvitationExpired,
    /// An invitation lets one account in, once.
    #[error("the invitation was used before; ask for a new one")]
    InvitationUsed,
    /// The caller sees the playlist but may not change its items.
    #[error("only its owner and editors can do this with a playlist")]
    NotEditor,
    /// The caller sees the playlist but does not own it.
    #[error("only its owner can do this with a playlist")]
    NotOwner,
    /// The request_id was used for other content.
    #[error("request_id was used before with other content; use a new UUIDv7")]
    AlreadyExists,
    /// The request_id was used for a playlist that has been deleted since.
    #[error("request_id named a playlist that has been deleted; use a new UUIDv7")]
    WasDeleted,
    /// A song that must not be there twice.
    #[error("the playlist refuses duplicates and has song {0} already; leave it out")]
    DuplicateSong(SongId),
    /// Read again and repeat the change.
    #[error("the playlist has changed since etag was read; read it again and repeat the change")]
    StaleEtag,
    /// The account was deleted; its token has not ended yet.
    #[error("the account of this access token is gone; sign in again")]
    AccountGone,
    /// Others changed the playlist all the time.
    #[error("the playlist is being changed by others; try again")]
    Contended,
    /// No room.
    #[error("{0}")]
    Full(String),
    /// Too many streams.
    #[error("too many playlists are being watched at the moment; try again later, or poll with GetPlaylist")]
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
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Another role could not be asked.
    #[error("{role} role: {text}")]
    Peer {
        /// Which.
        role: &'static str,
        /// What it said.
        text: String,
    },
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
            Self::NotFound(_)
            | Self::ItemNotFound(_)
            | Self::SongNotFound(_)
            | Self::UserNotFound(_)
            | Self::InvitationNotFound => Code::NotFound,
            Self::InvitationExpired | Self::InvitationUsed => Code::FailedPrecondition,
            Self::AccountGone => Code::Unauthenticated,
            Self::NotEditor | Self::NotOwner => Code::PermissionDenied,
            Self::AlreadyExists | Self::WasDeleted | Self::DuplicateSong(_) => Code::AlreadyExists,
            Self::StaleEtag | Self::Contended => Code::Aborted,
            Self::Full(_) | Self::TooManyWatchers => Code::ResourceExhausted,
            Self::Closing | Self::Bus(_) | Self::Peer { .. } => Code::Unavailable,
            Self::Store(e) => e.code(),
            Self::Rows(e) => store(e).map_or(Code::Unavailable, StoreError::code),
            Self::Malformed(_) | Self::Internal(_) | Self::Config(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELD_INVALID",
            Self::NotFound(_) => "PLAYLIST_NOT_FOUND",
            Self::ItemNotFound(_) => "ITEM_NOT_FOUND",
            Self::SongNotFound(_) => "SONG_NOT_FOUND",
            Self::UserNotFound(_) => "USER_NOT_FOUND",
            Self::InvitationNotFound => "INVITATION_NOT_FOUND",
            Self::InvitationExpired => "INVITATION_EXPIRED",
            Self::InvitationUsed => "INVITATION_USED",
            Self::NotEditor => "NOT_EDITOR",
            Self::NotOwner => "NOT_OWNER",
            Self::AlreadyExists => "REQUEST_ALREADY_EXISTS",
            Self::WasDeleted => "PLAYLIST_DELETED",
            Self::DuplicateSong(_) => "SONG_DUPLICATE",
            Self::StaleEtag => "ETAG_STALE",
            Self::AccountGone => "ACCOUNT_GONE",
            Self::Contended => "PLAYLIST_CONTENDED",
            Self::Full(_) => "LIMIT_REACHED",
            Self::TooManyWatchers => "TOO_MANY_WATCHERS",
            Self::Closing => "SHUTTING_DOWN",
            Self::Store(e) => e.reason(),
            Self::Rows(e) => store(e).map_or("DATABASE_UNAVAILABLE", StoreError::reason),
            Self::Bus(_) => "BUS_UNAVAILABLE",
            Self::Peer { .. } => "ROLE_UNAVAILABLE",
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
            Self::SongNotFound(song) | Self::DuplicateSong(song) => vec![("song_id", song.to_string())],
            Self::ItemNotFound(item) => vec![("item_id", item.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(e) => e.retry_after(),
            Self::Rows(e) => store(e).and_then(StoreError::retry_after),
            Self::Contended => Some(Duration::from_millis(100)),
            Self::TooManyWatchers => Some(Duration::from_secs(10)),
            Self::Closing | Self::Bus(_) | Self::Peer { .. } => Some(Duration::from_millis(500)),
            _ => None,
        }
    }
}
