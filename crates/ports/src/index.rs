//! The index: documents that are found by words, kept in step by versioned writes.

use async_trait::async_trait;
use segue_domain::{Timestamp, UserId, Visibility};
use std::sync::Arc;

/// What a document describes. An id is unique within its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A song.
    Song,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 1] = [Self::Song];

    /// Its name in stored documents: lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Song => "song",
        }
    }
}

/// What the index knows of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its id, as text.
    pub id: String,
    /// Version of the aggregate that this describes: 1, 2, 3…
    pub version: u64,
    /// Who owns it, and so always finds it.
    pub owner: UserId,
    /// Who else finds it: everybody when PUBLIC, else nobody.
    pub visibility: Visibility,
    /// Title.
    pub title: String,
    /// Artists, in order.
    pub artists: Vec<String>,
    /// Album; empty when unknown.
    pub album: String,
    /// Album artist; empty when unknown.
    pub album_artist: String,
    /// Genre; empty when unknown.
    pub genre: String,
    /// Year; 0 when unknown.
    pub year: u32,
    /// Milliseconds; 0 when unknown.
    pub duration_ms: u64,
    /// When the thing was made.
    pub created: Timestamp,
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
    /// An account: finds what is PUBLIC and what it owns.
    User(UserId),
    /// An administrator: finds everything.
    Everything,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the person typed. Every text is a question that can be asked; none is a syntax error.
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
}

/// A page of answers, best first; equal scores by id.
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

    /// Makes everything that was applied before findable now; for tests and for verifying.
    async fn refresh(&self) -> Result<(), IndexError>;

    /// Answers a question.
    async fn search(&self, query: &Query) -> Result<Hits, IndexError>;

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
