//! The index: documents that are found by words, kept in step by versioned writes.

use async_trait::async_trait;
use segue_domain::{Timestamp, UserId, Visibility};
use std::sync::Arc;

/// What a document describes. An id is unique within its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An album.
    Album,
    /// An artist.
    Artist,
    /// A playlist.
    Playlist,
    /// A song.
    Song,
}

impl Kind {
    /// Every kind, in the order of names.
    pub const ALL: [Self; 4] = [Self::Album, Self::Artist, Self::Playlist, Self::Song];

    /// Its name in stored documents: lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Album => "album",
            Self::Artist => "artist",
            Self::Playlist => "playlist",
            Self::Song => "song",
        }
    }
}

/// What the index knows of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its id, as text.
    pub id: String,
    /// Version of the aggregate that this describes: 1, 2, 3…
    pub version: u64,
    /// Who owns it, and so always finds it.
    pub owner: UserId,
    /// Who else finds it: everybody when PUBLIC, else only `collaborators`.
    pub visibility: Visibility,
    /// Who finds it whatever its visibility, beside the owner.
    pub collaborators: Vec<UserId>,
    /// Title; the name of an artist.
    pub title: String,
    /// Artists, in order; none of an artist or a playlist.
    pub artists: Vec<String>,
    /// Album of a song; empty when unknown.
    pub album: String,
    /// Album artist of a song or an album; empty when unknown.
    pub album_artist: String,
    /// Genre; empty when unknown.
    pub genre: String,
    /// Description of a playlist.
    pub description: String,
    /// Year; 0 when unknown.
    pub year: u32,
    /// Songs of an album or an artist, items of a playlist; 0 of a song.
    pub items: u32,
    /// Milliseconds; 0 when unknown.
    pub duration_ms: u64,
    /// When the thing was made.
    pub created: Timestamp,
    /// How popular it is, on a scale of logarithms: see [`popularity`]. In a [`Write::Put`] 0 says that nothing is
    /// known of it: then what [`Index::rate`] said stays.
    pub popularity: u8,
}

impl Document {
    /// One of which nothing else is known.
    pub fn new(
        kind: Kind,
        id: impl Into<String>,
        version: u64,
        owner: UserId,
        visibility: Visibility,
    ) -> Self {
        Self {
            kind,
            id: id.into(),
            version,
            owner,
            visibility,
            collaborators: Vec::new(),
            title: String::new(),
            artists: Vec::new(),
            album: String::new(),
            album_artist: String::new(),
            genre: String::new(),
            description: String::new(),
            year: 0,
            items: 0,
            duration_ms: 0,
            created: Timestamp(0),
            popularity: 0,
        }
    }
}

/// The popularity of what was counted so often: four steps for each doubling, so that it changes seldom as a count
/// grows, and 0 for none.
pub fn popularity(count: u64) -> u8 {
    // At most 4 × 64.
    ((count as f64 + 1.0).log2() * 4.0).round().min(255.0) as u8
}

/// How popular something is. Has no version: what was said last counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its popularity; see [`popularity`].
    pub popularity: u8,
}

/// A change of the index. One whose version is at or below the one that the index holds for this id, deleted or
/// not, changes nothing: repeats and late arrivals are harmless in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The document as it is now.
    Put(Box<Document>),
    /// It must not be found any more. Kept as a tombstone with its version.
    Delete {
        /// What it was.
        kind: Kind,
        /// Its id.
        id: String,
        /// Version of the aggregate that says so.
        version: u64,
    },
}

/// Who searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Someone without an account: finds what is PUBLIC.
    Anonymous,
    /// An account: finds what is PUBLIC, what it owns, and what it collaborates on.
    User(UserId),
    /// An administrator: finds everything.
    Everything,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the person typed: words, `"phrases"`, `artist:` `album:` `title:` `genre:` and `year:` with a word or a
    /// phrase behind them, `year:1990..1999`, and `-` before what must not be there. Every text is a question that
    /// can be asked; none is a syntax error. Words beyond 32 are not looked at.
    pub text: String,
    /// Which kinds are wanted; empty means all.
    pub kinds: Vec<Kind>,
    /// Who asks.
    pub viewer: Viewer,
    /// Most hits of the page, 1 to 200.
    pub limit: u32,
    /// `next` of the previous page of the same question.
    pub after: Option<String>,
}

/// A document that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The document as the index has it.
    pub document: Document,
    /// How well it answers; comparable within one question only.
    pub score: f32,
    /// Where its words were found, at most 10.
    pub highlights: Vec<Highlight>,
}

/// A text of a document in which words of the question were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    /// Name of the field: "title", "artists", "album", "album_artist", "genre" or "description".
    pub field: &'static str,
    /// The text; of artists, one of them.
    pub text: String,
    /// What of it was found, ascending: first character and the one behind the last, in Unicode scalar values.
    pub ranges: Vec<(u32, u32)>,
}

/// The beginning of a name, while it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// What was typed so far.
    pub text: String,
    /// Which kinds are wanted; empty means all.
    pub kinds: Vec<Kind>,
    /// Who types.
    pub viewer: Viewer,
    /// Most suggestions, 1 to 50.
    pub limit: u32,
}

/// A name that goes on as was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The title of what it names.
    pub text: String,
    /// What it names.
    pub kind: Kind,
    /// The id of what it names.
    pub id: String,
}

/// A page of answers, best first: by score, then the more popular, then the newer, then by kind and id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hits {
    /// The answers.
    pub hits: Vec<Hit>,
    /// Pass it as [`Query::after`] for the next page; `None` on the last.
    pub next: Option<String>,
}

/// A page of everything that is in the index, for comparing it with the database.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    /// Documents ascending by (kind, id); no tombstones.
    pub documents: Vec<Document>,
    /// Pass it to the next call; `None` on the last page.
    pub next: Option<String>,
}

/// What a caller of the index can do about an error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IndexError {
    /// `after` is not a cursor that this index made, or it has been forgotten: begin again without it.
    #[error("page is not known any more")]
    Cursor,
    /// A rebuild is going on already; wait for it.
    #[error("a rebuild is going on")]
    Rebuilding,
    /// The engine is away, slow or broken: try again.
    #[error("index is unavailable: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
}

impl IndexError {
    /// An engine's failure.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }
}

/// An index. Every method may be called again after any failure.
#[async_trait]
pub trait Index: std::fmt::Debug + Send + Sync + 'static {
    /// Makes what is missing. `Ok(true)` says that it wants a rebuild, and does so until one has finished: it has
    /// just been made and knows nothing of what is in the database, it was damaged, or it was made by another
    /// schema; then it is left as it is and answers on. Repeating it changes nothing.
    async fn prepare(&self) -> Result<bool, IndexError>;

    /// Applies changes, at most 1,000, durably; they are found within the engine's refresh time. While a rebuild is
    /// going on they reach the new index too.
    async fn apply(&self, writes: &[Write]) -> Result<(), IndexError>;

    /// Says how popular things are, at most 1,000, durably; ranks change within the engine's refresh time. What the
    /// index does not know yet has it when it comes, and it is kept by a rebuild. Versions stay as they are. A rating
    /// that says what is there already costs next to nothing. Of two that arrive with other changes at the same moment
    /// in different processes one may be lost: say it again with the next count.
    async fn rate(&self, ratings: &[Rating]) -> Result<(), IndexError>;

    /// Makes everything that was applied before findable now; for tests and for verifying.
    async fn refresh(&self) -> Result<(), IndexError>;

    /// Answers a question.
    async fn search(&self, query: &Query) -> Result<Hits, IndexError>;

    /// Names of things that begin as typed (with "The" before it or not), the most popular first, each text once
    /// whatever its case and accents. None for a text of spaces.
    async fn suggest(&self, beginning: &Beginning) -> Result<Vec<Suggestion>, IndexError>;

    /// Everything of a kind, a page at a time, at most `limit` (1 to 1,000) documents.
    async fn scan(&self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Scan, IndexError>;

    /// Begins an empty index beside the one that answers.
    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, IndexError>;
}

/// An index that is being built. Dropping it (or dying) leaves the old one in place; the next rebuild clears it away.
#[async_trait]
pub trait Rebuild: Send {
    /// As [`Index::apply`], to the new index only.
    async fn apply(&mut self, writes: &[Write]) -> Result<(), IndexError>;

    /// Puts the new index in the place of the old one at once, and removes the old one.
    async fn finish(self: Box<Self>) -> Result<(), IndexError>;
}
