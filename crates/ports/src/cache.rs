//! The cache in front of a store: things by id with their version, read through.
//!
//! A cache never decides what is true; it holds what an [`Origin`] said, for as long as nobody says otherwise.
//! Losing all of it makes reads slower and nothing else.

mod follow;
mod records;

pub use follow::{Follow, Heed};
pub use records::{Record, Records, Rows};

use async_trait::async_trait;
use bytes::Bytes;
use std::{any::Any, collections::HashMap, fmt::Debug, sync::Arc};

/// A cached thing, decoded. [`Records`] gives it its type back.
pub type Value = Arc<dyn Any + Send + Sync>;

/// Why an origin could not answer; shared by everyone who waited for the same load.
pub type LoadError = Arc<dyn std::error::Error + Send + Sync>;

/// Which copy of the data is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// One that may lag.
    Replica,
    /// The one that has every acknowledged write.
    Primary,
}

/// What an origin knows of one id.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// 1, 2, 3…: grows with every change.
    pub version: u64,
    /// The thing.
    pub value: Value,
    /// The thing, encoded for other processes; [`Origin::decode`] reads it.
    pub bytes: Bytes,
}

/// Where the things of one kind come from.
#[async_trait]
pub trait Origin: Debug + Send + Sync + 'static {
    /// Names the kind and the form of its encoding, `song.1`: another form is another kind. Letters, digits, dots.
    fn kind(&self) -> &'static str;

    /// Those of the ids that are there. A load goes on when the caller that began it is gone.
    async fn load(&self, ids: &[String], from: Source) -> Result<HashMap<String, Loaded>, LoadError>;

    /// The thing again; `None` when these bytes are not one, which is a miss.
    fn decode(&self, bytes: &[u8]) -> Option<Value>;
}

/// A cache. All its regions share its memory.
pub trait Cache: Debug + Send + Sync + 'static {
    /// Opens the region of one kind. It is suspect until [`Region::trust`] is called.
    fn region(&self, origin: Arc<dyn Origin>) -> Arc<dyn Region>;
}

/// The cached things of one kind.
///
/// Engines keep these promises, however calls interleave and whatever else fails:
/// - An answer is never older than `at_least`, nor than the newest version that [`Region::invalidate`] named
///   before the call, unless the primary itself says so.
/// - For 60 s after an invalidation, loads of that id go to the primary, and what is older is served to those who
///   waited for it and not stored. So a lagging replica, or a load that was under way, never brings back what was
///   replaced.
/// - However many ask for an id at once, it is loaded once per process.
/// - Only when the origin fails, a copy that is past its life or suspect is served, if there is one that nobody is
///   known to have replaced. Failures are not cached.
#[async_trait]
pub trait Region: Debug + Send + Sync + 'static {
    /// The thing, or `None` when there is none.
    ///
    /// # Errors
    /// The origin's, when it cannot be asked and nothing that could be served is there. Never the cache's own.
    async fn get(&self, id: &str, at_least: u64) -> Result<Option<Value>, LoadError>;

    /// Those of the things that are there, with one load for all that are missing.
    ///
    /// # Errors
    /// As [`Region::get`], when one of them fails.
    async fn get_many(&self, ids: &[String]) -> Result<HashMap<String, Value>, LoadError>;

    /// Says that the thing now has this version. Has taken effect in this process before the first await, and in
    /// those that share a second tier when it returns, or soon after when that tier is away. Repeats and late
    /// arrivals change nothing.
    async fn invalidate(&self, id: &str, version: u64);

    /// Says that invalidations may be missed from now on: what is older than 5 s is asked for again.
    fn suspect(&self);

    /// Says that invalidations are heard from now on. What this process had stored before is asked for again, once: of
    /// a second tier, which those who did hear have kept true, or else of the origin. For 60 s loads go to the primary.
    fn trust(&self);
}
