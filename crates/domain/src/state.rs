//! States and other closed sets of names, as they are stored and printed.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name that is not in the set.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a known {1}")]
pub struct UnknownName(pub String, pub &'static str);

macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $kind:literal, { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The bare name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownName(text.to_owned(), $kind)) }
            }
        }
    };
}

names!(
    /** Where a song is on its way. */
    SongState, "song state", {
    /** Declared; bytes are on their way. */
    Created = "CREATED",
    /** All bytes are stored. */
    Uploaded = "UPLOADED",
    /** An encoder works on it. */
    Processing = "PROCESSING",
    /** It plays. */
    Ready = "READY",
    /** It does not, for a reason. */
    Failed = "FAILED",
});

names!(
    /** Who may see a song. */
    Visibility, "visibility", {
    /** Its owner. */
    Private = "PRIVATE",
    /** Anyone who knows the id. */
    Unlisted = "UNLISTED",
    /** Anyone, and search finds it. */
    Public = "PUBLIC",
});

names!(
    /** Why an encoding, and so a song, failed. */
    FailureReason, "failure reason", {
    /** No audio in it. */
    NotAudio = "NOT_AUDIO",
    /** Audio of a kind that Segue does not read. */
    UnsupportedAudio = "UNSUPPORTED_AUDIO",
    /** Audio that ends too early or cannot be decoded. */
    DamagedAudio = "DAMAGED_AUDIO",
    /** No bytes. */
    EmptyFile = "EMPTY_FILE",
    /** Longer or larger than allowed. */
    TooLong = "TOO_LONG",
    /** The bytes are not those that were declared. */
    ChecksumMismatch = "CHECKSUM_MISMATCH",
    /** The original was overwritten or removed before it was encoded. */
    SourceChanged = "SOURCE_CHANGED",
    /** Its owner stopped it. */
    Cancelled = "CANCELLED",
    /** Three attempts failed by themselves; the job is parked. */
    Parked = "PARKED",
});

impl FailureReason {
    /// True when the stored bytes themselves are at fault, so that a retry needs new ones.
    pub fn needs_new_bytes(self) -> bool {
        matches!(self, Self::ChecksumMismatch | Self::SourceChanged)
    }
}
