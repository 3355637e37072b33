//! Names of objects in the blob store.

use crate::{OutputId, SongId, UploadId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name that is not allowed.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error(
    "object name is not allowed: segments of a-z, A-Z, 0-9, '.', '_' and '-' between single slashes, at most 512 bytes"
)]
pub struct ObjectError;

/// The name of an object: `originals/{song_id}/{upload_id}` or `media/{song_id}/{output_id}/…`.
///
/// A closed grammar: segments of `[A-Za-z0-9._-]` between single slashes, none of them `.` or `..`, at most
/// 512 bytes. So a name is the same in a URL, in a signature and on a disk, and cannot leave its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName(String);

impl ObjectName {
    /// The object that holds the bytes of one upload.
    pub fn original(song: SongId, upload: UploadId) -> Self {
        Self(format!("originals/{song}/{upload}"))
    }
    /// An object of one output; `name` is relative, such as `aac-128/init.mp4`.
    pub fn media(song: SongId, output: OutputId, name: &str) -> Result<Self, ObjectError> {
        format!("media/{song}/{output}/{name}").parse()
    }
    /// Everything uploaded for a song.
    pub fn originals_prefix(song: SongId) -> String {
        format!("originals/{song}/")
    }
    /// Every output of a song.
    pub fn media_prefix(song: SongId) -> String {
        format!("media/{song}/")
    }
    /// One output of a song.
    pub fn output_prefix(song: SongId, output: OutputId) -> String {
        format!("media/{song}/{output}/")
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectName {
    type Err = ObjectError;
    fn from_str(text: &str) -> Result<Self, ObjectError> {
        let good = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if text.len() > 512 || !text.split('/').all(good) {
            return Err(ObjectError);
        }
        Ok(Self(text.to_owned()))
    }
}
impl TryFrom<String> for ObjectName {
    type Error = ObjectError;
    fn try_from(text: String) -> Result<Self, ObjectError> {
        text.parse()
    }
}
impl From<ObjectName> for String {
    fn from(name: ObjectName) -> String {
        name.0
    }
}
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for bad in
            ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".", "a/./b", "a b", "a%2e", "a\\b", "ü", "a\0"]
        {
            assert_eq!(bad.parse::<ObjectName>(), Err(ObjectError), "{bad:?}");
        }
        assert!("media/x/aac-128/00001.m4s".parse::<ObjectName>().is_ok());
    }
}
