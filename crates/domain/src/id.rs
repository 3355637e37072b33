//! UUIDv7 identifiers, one type per kind of thing so that they cannot be mixed up.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Text that is not an id of ours. Says which kind was wanted.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{kind} must be a UUIDv7 such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct IdError {
    /// What the id was meant to name.
    pub kind: &'static str,
}

/// A type of ids of one UUID version.
macro_rules! uuid_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $version:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a UUID.
            pub fn uuid(self) -> Uuid {
                self.0
            }
            /// The 16 bytes of the id.
            pub fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
            #[doc = concat!("An id from a UUID of version ", $version, ".")]
            pub fn from_uuid(uuid: Uuid) -> Result<Self, IdError> {
                match uuid.get_version_num() {
                    $version => Ok(Self(uuid)),
                    _ => Err(IdError { kind: $kind }),
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            /// Takes the canonical form only (36 characters, lower case), so that one id has one spelling.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let uuid = Uuid::try_parse(text).map_err(|_| IdError { kind: $kind })?;
                let mut buffer = Uuid::encode_buffer();
                if *text != *uuid.hyphenated().encode_lower(&mut buffer) {
                    return Err(IdError { kind: $kind });
                }
                Self::from_uuid(uuid)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

pub(crate) use uuid_type;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        uuid_type!($(#[$doc])* $name, $kind, 7);

        impl $name {
            /// A new id, ordered after those made earlier in this process.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
    };
}

id!(/** A song. */ SongId, "song id");
id!(/** One attempt to upload the bytes of a song. */ UploadId, "upload id");
id!(/** One job that turns an original into a ladder. */ EncodingId, "encoding id");
id!(/** One output folder of an encoding. */ OutputId, "output id");
id!(/** An account. */ UserId, "user id");
id!(/** A session of an account. */ SessionId, "session id");
id!(/** One fact on the bus. */ EventId, "event id");
id!(/** A playlist. */ PlaylistId, "playlist id");
id!(/** One place in a playlist. */ ItemId, "item id");
id!(/** One hearing of a song, named by the client. */ PlayId, "play event id");
id!(/** What one account likes and has heard. */ LibraryId, "library id");
id!(/** A series of batches in which counts of songs are told. */ SeriesId, "series id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = SongId::new();
        assert_eq!(id.to_string().parse::<SongId>(), Ok(id));
        assert!(
            id.to_string().to_uppercase().parse::<SongId>().is_err()
                || id.to_string().chars().all(|c| !c.is_alphabetic())
        );
        assert!(id.uuid().simple().to_string().parse::<SongId>().is_err());
    }

    #[test]
    fn another_uuid_version_is_refused() {
        assert!("936da01f-9abd-4d9d-80c7-02af85c822a8".parse::<SongId>().is_err());
        assert!("".parse::<SongId>().is_err());
    }
}
