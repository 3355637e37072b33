//! Albums and artists: what the tags of songs name. A shelf is one of either, with the songs that stand on it.

mod record;
mod view;

pub(crate) use record::ShelfRecord;
pub(crate) use view::{Cover, Total, View, energy};

use crate::record::SongRecord;
use sea_orm::prelude::Uuid;
use segue_domain::{AlbumId, ArtistId, IdError, OutputId, SongState, Visibility, sort_key};
use segue_store::ShardKey;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An album or an artist of one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Shelf {
    Album(AlbumId),
    Artist(ArtistId),
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Album,
    Artist,
}

/// A song as it stands on a shelf.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub visibility: Visibility,
    /// The shelf's name as this song spells it: the album's title, or the artist's name.
    pub title: String,
    /// The album's artist as this song spells it; empty for an artist.
    pub artist: String,
    pub genre: String,
    pub year: u32,
    /// A song that names none is on the first.
    pub disc_number: u32,
    pub track_number: u32,
    /// What songs are sorted by.
    pub title_key: String,
    pub album_key: String,
    pub album_artist_key: String,
    pub on_album: Option<AlbumId>,
    pub duration_ms: u64,
    pub loudness_lufs: Option<f64>,
    pub true_peak_db: Option<f64>,
    pub output: OutputId,
    /// Edge lengths in pixels, smallest first.
    pub covers: Vec<u32>,
}

impl Shelf {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Album(_) => Kind::Album,
            Self::Artist(_) => Kind::Artist,
        }
    }

    pub(crate) fn uuid(self) -> Uuid {
        match self {
            Self::Album(id) => id.uuid(),
            Self::Artist(id) => id.uuid(),
        }
    }
}

impl Kind {
    pub(crate) fn shelf(self, id: Uuid) -> Result<Shelf, IdError> {
        match self {
            Self::Album => AlbumId::from_uuid(id).map(Shelf::Album),
            Self::Artist => ArtistId::from_uuid(id).map(Shelf::Artist),
        }
    }
}

impl From<Shelf> for ShardKey {
    fn from(shelf: Shelf) -> Self {
        match shelf {
            Shelf::Album(id) => id.into(),
            Shelf::Artist(id) => id.into(),
        }
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Album(id) => write!(f, "album:{id}"),
            Self::Artist(id) => write!(f, "artist:{id}"),
        }
    }
}

impl FromStr for Shelf {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once(':') {
            Some(("album", id)) => id.parse().map(Self::Album),
            Some(("artist", id)) => id.parse().map(Self::Artist),
            _ => Err(IdError { kind: "shelf" }),
        }
    }
}

impl TryFrom<String> for Shelf {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Shelf> for String {
    fn from(shelf: Shelf) -> String {
        shelf.to_string()
    }
}

/// Where a song stands, the album first: nowhere unless it is READY.
pub(crate) fn entries(song: &SongRecord) -> Vec<(Shelf, Entry)> {
    let Some(output) =
        song.output.as_ref().filter(|_| song.state == SongState::Ready && song.deleted.is_none())
    else {
        return Vec::new();
    };
    let metadata = &song.metadata;
    let on_album = song.album_id();
    let album_artist = metadata.credited();
    let entry = |title: &str, artist: &str| Entry {
        visibility: song.visibility,
        title: title.to_owned(),
        artist: artist.to_owned(),
        genre: metadata.genre.clone(),
        year: metadata.year,
        disc_number: metadata.disc_number.max(1),
        track_number: metadata.track_number,
        title_key: sort_key(&metadata.title),
        album_key: sort_key(&metadata.album),
        album_artist_key: if on_album.is_some() { sort_key(album_artist) } else { String::new() },
        on_album,
        duration_ms: output.duration_ms,
        loudness_lufs: output.loudness_lufs,
        true_peak_db: output.true_peak_db,
        output: output.id,
        covers: output.covers.clone(),
    };
    let album = on_album.map(|id| (Shelf::Album(id), entry(&metadata.album, album_artist)));
    let mut entries = Vec::from_iter(album);
    for name in &metadata.artists {
        let Some(shelf) = ArtistId::of(song.owner, name).map(Shelf::Artist) else { continue };
        // One name in two spellings is one artist.
        if entries.iter().all(|(there, _)| *there != shelf) {
            entries.push((shelf, entry(name, "")));
        }
    }
    entries
}
