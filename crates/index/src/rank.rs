//! What a hit is worth.
//!
//! A hit's score is a sum of constants and depends on nothing but the question and the document: not on how
//! many documents there are, nor on the segment or shard. Both engines therefore give the same scores, and a
//! page can begin behind the last hit of the page before it with no repeats and no holes, whatever was added
//! meanwhile, without an engine keeping anything for the one who pages.
//!
//! 1. The very name: what is called as asked, then what is by who is called so.
//! 2. What has all words as they are written (the last may be unfinished), then all words with one letter wrong in
//!    some, then all words, then the more words the better, whichever fields they are in.
//! 3. Titles that begin as asked; then better fields and closer spellings.
//!
//! Of equal scores the more popular comes first, then the newer, then by kind and id. All scores are whole numbers
//! below 2^24, so that sums of `f32` are exact in any order.

use segue_ports::index::{Document, Kind};

/// A field of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Title,
    Artist,
    Album,
    Genre,
    Description,
}

/// The title is what was asked for. More than everything below together.
pub(crate) const TITLE_NAMED: u32 = 6_000_000;
/// An artist is who was asked for. So, too.
pub(crate) const ARTIST_NAMED: u32 = 4_500_000;
/// For each word that is found at all: more than everything below together.
pub(crate) const WORD: u32 = 100_000;
/// All words are found as they are written, or as the beginning of a longer one.
pub(crate) const ALL_CLEAN: u32 = 40_000;
/// All words are found with one letter wrong in each at most.
pub(crate) const ALL_NEAR: u32 = 20_000;
/// The title begins with what was asked for.
pub(crate) const TITLE_BEGINS: u32 = 5_000;
/// A word is the beginning of one in a title, an artist or an album.
pub(crate) const PREFIX: u16 = 60;
/// A word has a letter wrong.
pub(crate) const TYPO: u16 = 20;
/// A word has two letters wrong.
pub(crate) const TYPOS: u16 = 10;

/// With at least so many answers that have all words clean, those that have not are not looked for.
pub(crate) const ENOUGH: usize = 10;

impl Field {
    pub(crate) const ALL: [Self; 5] =
        [Self::Title, Self::Artist, Self::Album, Self::Genre, Self::Description];

    /// Its name in both engines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Genre => "genre",
            Self::Description => "description",
        }
    }

    /// What a word found here as it is written is worth.
    pub(crate) const fn score(self) -> u16 {
        match self {
            Self::Title => 100,
            Self::Artist => 90,
            Self::Album => 80,
            Self::Genre => 40,
            Self::Description => 30,
        }
    }

    /// Beginnings and words with wrong letters are found in it, and pairs of words are indexed.
    pub(crate) const fn is_name(self) -> bool {
        matches!(self, Self::Title | Self::Artist | Self::Album)
    }

    /// The texts of a document that are in it. What an artist or an album is called is in two.
    pub(crate) fn texts(self, document: &Document) -> Vec<&str> {
        let mut texts: Vec<&str> = match self {
            Self::Title => vec![&document.title],
            Self::Artist => document.artists.iter().map(String::as_str).collect(),
            Self::Album => vec![&document.album],
            Self::Genre => vec![&document.genre],
            Self::Description => vec![&document.description],
        };
        match (self, document.kind) {
            (Self::Artist, Kind::Artist) | (Self::Album, Kind::Album) => texts.push(&document.title),
            (Self::Artist, Kind::Album) | (Self::Album, Kind::Song) => texts.push(&document.album_artist),
            _ => {}
        }
        texts
    }
}
