//! What can go wrong.

use segue_domain::{Code, Coded};
use std::{io, path::PathBuf, time::Duration};

/// Why an edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process caches in this folder: give each edge its own.
    #[error("cache folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The folder cannot be made, read or written.
    #[error("cache folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::InUse(_) => Code::FailedPrecondition,
            Self::Folder { .. } => Code::Internal,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::InUse(_) => "CACHE_FOLDER_IN_USE",
            Self::Folder { .. } => "CACHE_FOLDER",
        }
    }
}

/// Why a body does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FillError {
    /// The origin has no such object.
    #[error("there is no such media object")]
    NotFound,
    /// The origin is away, slow or broken, or ended in the middle.
    #[error("the origin does not answer; try again in a moment, or another edge")]
    Unavailable,
    /// The origin's object is not what an edge serves: too large, or replaced while it was read.
    #[error("the origin's object cannot be served")]
    Unfit,
    /// As many fills or readers are under way as this edge allows.
    #[error("this edge is busy; try again in a moment, or another edge")]
    Busy,
    /// Nobody waited for it any more.
    #[error("the fill was given up")]
    GivenUp,
}

impl FillError {
    /// After how long asking again makes sense.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        match self {
            Self::NotFound => None,
            _ => Some(Duration::from_secs(1)),
        }
    }
}
