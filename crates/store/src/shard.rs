//! The key whose hash chooses a shard.

use segue_domain::{AlbumId, ArtistId, PlaylistId, SeriesId, SongId, UserId};
use std::fmt;

/// The id of the aggregate that a call is about: a song id for songs and encodings, a user id for what is
/// keyed by owner. On the `single` topology every key leads to the same database.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ShardKey(String);

impl ShardKey {
    /// The key as it is stored in the outbox.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SongId> for ShardKey {
    fn from(id: SongId) -> Self {
        Self(id.to_string())
    }
}
impl From<UserId> for ShardKey {
    fn from(id: UserId) -> Self {
        Self(id.to_string())
    }
}
impl From<AlbumId> for ShardKey {
    fn from(id: AlbumId) -> Self {
        Self(id.to_string())
    }
}
impl From<ArtistId> for ShardKey {
    fn from(id: ArtistId) -> Self {
        Self(id.to_string())
    }
}
impl From<SeriesId> for ShardKey {
    fn from(id: SeriesId) -> Self {
        Self(id.to_string())
    }
}
impl From<PlaylistId> for ShardKey {
    fn from(id: PlaylistId) -> Self {
        Self(id.to_string())
    }
}
impl fmt::Debug for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
