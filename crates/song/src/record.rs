//! A song as this role knows it.

use segue_domain::{
    AlbumId, ArtistId, EncodingId, FailureReason, ObjectName, OutputId, SongId, SongState, Timestamp,
    UploadId, UserId, Visibility,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

use crate::config::SHORTEST_GRANT;

/// One song; its row, in words of the domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SongRecord {
    pub id: SongId,
    pub owner: UserId,
    pub state: SongState,
    pub visibility: Visibility,
    /// Grows by one with every change; it is the etag and the sequence of the fact.
    pub version: u64,
    pub metadata: Metadata,
    /// Fields that the owner has set, so that tags leave them alone.
    pub edited: BTreeSet<Field>,
    pub original: Original,
    pub upload: Attempt,
    /// The newest job.
    pub encoding: Option<EncodingId>,
    /// The newest job is on the bus; otherwise it waits for its turn.
    pub released: bool,
    /// What listeners hear.
    pub output: Option<Output>,
    pub failure: Option<Failure>,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Set on a tombstone.
    pub deleted: Option<Timestamp>,
}

/// What people read about a song.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub title: String,
    pub artists: Vec<String>,
    pub album: String,
    pub album_artist: String,
    pub genre: String,
    pub year: u32,
    pub track_number: u32,
    pub disc_number: u32,
    /// Upper case without hyphens; empty when unknown. Its owner cannot set it.
    pub isrc: String,
    /// Recording id; empty when unknown. Its owner cannot set it.
    pub musicbrainz_id: String,
}

impl Metadata {
    /// Whose album it is on: the album artist, else the first artist.
    pub(crate) fn credited(&self) -> &str {
        match self.album_artist.as_str() {
            "" => self.artists.first().map_or("", String::as_str),
            artist => artist,
        }
    }
}

/// What words an output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum LyricsKind {
    Plain,
    /// With the times at which lines are sung.
    Synced,
}

impl LyricsKind {
    /// By its bare name; `None` for anything else.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "PLAIN" => Some(Self::Plain),
            "SYNCED" => Some(Self::Synced),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Synced => "SYNCED",
        }
    }
}

/// A metadata field that its owner can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    Title,
    Artists,
    Album,
    AlbumArtist,
    Genre,
    Year,
    TrackNumber,
    DiscNumber,
}

/// What was declared at creation; never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Original {
    pub filename: String,
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Digest of everything in the request, so that a repeat is recognised after any edit.
    pub request_digest: String,
    /// Every block but the last, bytes.
    pub block_size: u64,
}

/// One attempt to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub id: UploadId,
    pub started: Timestamp,
    /// ETag of the bytes that count, once complete.
    pub etag: Option<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub id: OutputId,
    /// The job that made it.
    pub encoding: EncodingId,
    pub duration_ms: u64,
    pub loudness_lufs: Option<f64>,
    pub true_peak_db: Option<f64>,
    pub rungs: Vec<Rung>,
    /// Edge lengths in pixels, smallest first.
    pub covers: Vec<u32>,
    /// What words its manifest has.
    pub lyrics: Option<LyricsKind>,
}

impl Output {
    /// How long a grant to play it lives: max(2 h, twice the duration).
    pub(crate) fn grant_life(&self) -> Duration {
        SHORTEST_GRANT.max(Duration::from_millis(self.duration_ms.saturating_mul(2)))
    }
}

/// One rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rung {
    pub name: String,
    pub codec: String,
    pub lossless: bool,
    pub average_bandwidth: u32,
    pub bandwidth: u32,
    pub sample_rate: u32,
    pub bytes: u64,
}

/// Why a song does not play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// UPPER_SNAKE; usually a [`FailureReason`], but a newer encoder may know more of them.
    pub reason: String,
    pub message: String,
}

impl Failure {
    pub(crate) fn needs_new_bytes(&self) -> bool {
        self.reason.parse().is_ok_and(FailureReason::needs_new_bytes)
    }
}

impl SongRecord {
    pub(crate) fn etag(&self) -> String {
        self.version.to_string()
    }

    /// The album that its tags name.
    pub(crate) fn album_id(&self) -> Option<AlbumId> {
        let Metadata { album, album_artist, artists, .. } = &self.metadata;
        AlbumId::of(self.owner, album, album_artist, artists)
    }

    /// Its artists, in their order.
    pub(crate) fn artist_ids(&self) -> impl Iterator<Item = ArtistId> {
        self.metadata.artists.iter().filter_map(|name| ArtistId::of(self.owner, name))
    }

    /// Where the bytes of the current attempt are.
    pub(crate) fn object(&self) -> ObjectName {
        ObjectName::original(self.id, self.upload.id)
    }

    /// An encoder has it or will have it, and it counts against its owner's share.
    #[cfg(test)]
    pub(crate) fn running(&self) -> bool {
        self.deleted.is_none()
            && self.released
            && matches!(self.state, SongState::Uploaded | SongState::Processing)
    }
}
