//! What can go wrong with a file, in words for the person who sent it.

/// Why a file could not be analysed or encoded.
///
/// The text of every variant is meant for a person; [`Error::reason`] is meant for programs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not audio of any kind we know. Trying again with the same file is pointless.
    #[error("this is not an audio file: {0}")]
    NotAudio(String),
    /// Audio, but of a format, codec, rate or channel count that is not supported.
    #[error("this kind of audio is not supported: {0}")]
    Unsupported(String),
    /// Audio that breaks off or contradicts itself, such as a truncated upload.
    #[error("this audio file is damaged: {0}")]
    Damaged(String),
    /// A file of zero bytes, or one that holds no sample of sound.
    #[error("this file is empty: {0}")]
    Empty(String),
    /// Longer than [`Limits::max_duration_s`](crate::Limits::max_duration_s).
    #[error("this audio is longer than the {max_s} seconds that are allowed")]
    TooLong {
        /// The longest duration allowed, in seconds.
        max_s: u64,
    },
    /// The file could not be read. Trying again may help.
    #[error("the file could not be read: {0}")]
    Io(#[from] std::io::Error),
    /// [`Control::cancelled`](crate::Control::cancelled) said so.
    #[error("the encoding was cancelled")]
    Cancelled,
    /// The sink refused an object. Trying again may help.
    #[error("an object could not be stored: {0}")]
    Sink(String),
    /// An encoder refused what it was given. A bug of ours, not of the file.
    #[error("the encoder failed: {0}")]
    Encoder(String),
}

impl Error {
    /// A stable name for programs. Names ending in AUDIO, EMPTY_FILE and TOO_LONG blame the file: a retry with
    /// the same bytes fails the same way.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotAudio(_) => "NOT_AUDIO",
            Self::Unsupported(_) => "UNSUPPORTED_AUDIO",
            Self::Damaged(_) => "DAMAGED_AUDIO",
            Self::Empty(_) => "EMPTY_FILE",
            Self::TooLong { .. } => "TOO_LONG",
            Self::Io(_) => "IO",
            Self::Cancelled => "CANCELLED",
            Self::Sink(_) => "SINK",
            Self::Encoder(_) => "ENCODER",
        }
    }

    /// Whether the file itself is at fault, so that a retry with the same bytes cannot succeed.
    pub fn is_fault_of_file(&self) -> bool {
        matches!(
            self,
            Self::NotAudio(_)
                | Self::Unsupported(_)
                | Self::Damaged(_)
                | Self::Empty(_)
                | Self::TooLong { .. }
        )
    }
}
