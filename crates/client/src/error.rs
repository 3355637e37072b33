//! What a user of the SDK can do about an error.

use tonic_types::StatusExt;

/// An error of the SDK. `Display` is one sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no session, or it has ended.
    #[error("not signed in at {url}: run 'segue login' (or 'segue signup')")]
    NotSignedIn {
        /// The server.
        url: String,
    },
    /// The server cannot be reached.
    #[error("cannot reach the server at {url}: {cause}; is it running? Choose another with SEGUE_URL")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// The server refused.
    #[error("{}", .0.message())]
    Refused(Box<tonic::Status>),
    /// The blob store refused.
    #[error("the blob store refused block {block} with {status}: {message}")]
    BlobRefused {
        /// Which block.
        block: u32,
        /// HTTP status.
        status: u16,
        /// What it said, cut.
        message: String,
    },
    /// An edge cannot be reached, or the connection to it broke.
    #[error("the way to the music is cut: {cause}; run it again to go on where it was")]
    EdgeAway {
        /// What the network said.
        cause: String,
    },
    /// An edge refused.
    #[error("{file} cannot be fetched: the edge answered {status}; run it again to go on where it was")]
    EdgeRefused {
        /// Which file.
        file: String,
        /// HTTP status.
        status: u16,
    },
    /// A file came with other bytes than the server announced, again and again.
    #[error("{file} came {tries} times with other bytes than the server announced; it was not kept")]
    Corrupt {
        /// Which file.
        file: String,
        /// How often.
        tries: u32,
    },
    /// A file cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said. Not the source: it is in the sentence.
        cause: std::io::Error,
    },
    /// The file was written to while it was being uploaded.
    #[error("{0} changed while it was being uploaded; upload it again")]
    FileChanged(String),
    /// Another file than the one that was declared.
    #[error(
        "{0} is another file than the one that this song was declared with; upload it as a song of its own"
    )]
    OtherFile(String),
    /// The stored bytes are not those that were declared, and there was no file to send them from again.
    #[error("the server needs the bytes of song {0} again; give the file with --file")]
    FileNeeded(String),
    /// The song cannot be played.
    #[error("{message} ({reason})")]
    SongFailed {
        /// UPPER_SNAKE reason.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// Credentials cannot be kept.
    #[error("credentials cannot be read or written: {0}")]
    Credentials(std::io::Error),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl ClientError {
    /// The UPPER_SNAKE reason of the server, when it gave one.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Refused(status) => status.get_details_error_info().map(|i| i.reason),
            Self::SongFailed { reason, .. } => Some(reason.clone()),
            Self::OtherFile(_) => Some("OTHER_FILE".into()),
            Self::FileNeeded(_) => Some("FILE_NEEDED".into()),
            _ => None,
        }
    }
    /// The gRPC code, when the server refused.
    pub fn code(&self) -> Option<tonic::Code> {
        match self {
            Self::Refused(status) => Some(status.code()),
            _ => None,
        }
    }
    /// True when the same call may work in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::EdgeAway { .. } => true,
            Self::Refused(status) => {
                matches!(
                    status.code(),
                    tonic::Code::Unavailable | tonic::Code::DeadlineExceeded | tonic::Code::Cancelled
                ) || is_broken_connection(status)
                    || (status.code() == tonic::Code::ResourceExhausted && self.retry_after().is_some())
            }
            Self::BlobRefused { status, .. } | Self::EdgeRefused { status, .. } => {
                *status >= 500 || matches!(status, 408 | 429)
            }
            _ => false,
        }
    }
    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Refused(status) => status.get_details_retry_info().and_then(|r| r.retry_delay),
            _ => None,
        }
    }
}

/// tonic reports a connection that broke in the middle as UNKNOWN "transport error" or, before its first answer, as CANCELLED,
/// with a source.
pub(crate) fn is_broken_connection(status: &tonic::Status) -> bool {
    use std::error::Error;
    matches!(status.code(), tonic::Code::Unknown | tonic::Code::Internal | tonic::Code::Cancelled)
        && (status.source().is_some()
            || status.message().contains("h2 protocol error")
            || status.message().contains("transport"))
}

impl From<tonic::Status> for ClientError {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}
