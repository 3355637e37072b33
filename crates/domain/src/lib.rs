//! The words that every part of Segue shares: ids, states, times, page tokens, media grants and the
//! closed set of error codes. Pure: no async, no I/O.
#![forbid(unsafe_code)]

mod clock;
mod derived;
mod error;
mod grant;
mod id;
mod name;
mod object;
mod page;
mod state;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use derived::{AlbumId, ArtistId};
pub use error::{Code, Coded, FieldViolation};
pub use grant::{Grant, GrantError, GrantSigner, GrantVerifier};
pub use id::{
    EncodingId, EventId, IdError, ItemId, LibraryId, OutputId, PlayId, PlaylistId, SeriesId, SessionId,
    SongId, UploadId, UserId,
};
pub use name::{fold, sort_key};
pub use object::{ObjectError, ObjectName};
pub use page::{PageError, PageSize, PageToken};
pub use state::{FailureReason, SongState, UnknownName, Visibility};
