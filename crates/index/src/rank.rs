//! What a hit is worth.
//!
//! A hit's score is a sum of constants and depends on nothing but the question and the document: not on how
//! many documents there are, nor on the segment or shard. Both engines therefore give the same scores, and a
//! page can begin behind (score, id) of the page before it with no repeats and no holes, whatever was added
//! meanwhile, without an engine keeping anything for the one who pages.
//!
//! The more words of the question a document has, the better, whichever fields they are in. Among those that
//! have as many, the document that has the very name asked for; then better fields and closer spellings. All
//! are whole numbers below 2^24, so that sums of `f32` are exact in any order.

use segue_ports::index::Document;

/// A field of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Title,
    Artist,
    Album,
    Genre,
}

/// How a word matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closeness {
    /// As it is written.
    Exact,
    /// As the beginning of a longer one.
    Prefix,
    /// With letters wrong.
    Typo,
}

/// For each word that is found at all: more than all the rest together.
const WORD: u16 = 10_000;
/// The title is what was asked for.
pub(crate) const TITLE_NAMED: f32 = 4_000.0;
/// An artist is who was asked for.
pub(crate) const ARTIST_NAMED: f32 = 2_000.0;

impl Field {
    pub(crate) const ALL: [Self; 4] = [Self::Title, Self::Artist, Self::Album, Self::Genre];

    /// Its name in both engines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Genre => "genre",
        }
    }

    /// What a word found here is worth.
    pub(crate) fn score(self, closeness: Closeness) -> f32 {
        let weight = match self {
            Self::Title => 100,
            Self::Artist => 80,
            Self::Album => 50,
            Self::Genre => 20,
        };
        let tenths = match closeness {
            Closeness::Exact => 10,
            Closeness::Prefix => 6,
            Closeness::Typo => 3,
        };
        f32::from(WORD + weight * tenths / 10)
    }

    /// The texts of a document that are in it.
    pub(crate) fn texts(self, document: &Document) -> Vec<String> {
        match self {
            Self::Title => vec![document.title.clone()],
            Self::Artist => document.artists.clone(),
            Self::Album => vec![document.album.clone(), document.album_artist.clone()],
            Self::Genre => {
                let year = if document.year == 0 { String::new() } else { document.year.to_string() };
                vec![document.genre.clone(), year]
            }
        }
    }
}
