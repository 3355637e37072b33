//! What is known of all documents of a segment without reading them.
//!
//! Opening a column takes longer than reading it for a page of answers, and a segment never changes: so columns are
//! opened once for each segment, by whoever needs them first.

use super::schema::{CREATED, KEY, POPULARITY, PUBLIC, SORT, TITLE_NAME, VERSION, YEAR};
use std::{
    collections::HashMap,
    ops::{Bound, Range},
    sync::{Arc, Mutex, PoisonError},
};
use tantivy::{
    Searcher, SegmentReader,
    columnar::{Column, StrColumn},
    index::SegmentId,
};

/// The columns of a segment.
pub(super) struct Columns {
    pub(super) version: Column<u64>,
    pub(super) sort: Column<u64>,
    pub(super) public: Column<u64>,
    pub(super) popularity: Column<u64>,
    pub(super) year: Column<u64>,
    pub(super) created: Column<i64>,
    /// `None` when the segment has no document.
    pub(super) keys: Option<StrColumn>,
    /// `None` when no document has a title.
    pub(super) title_names: Option<StrColumn>,
}

impl Columns {
    fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let fast = segment.fast_fields();
        Ok(Self {
            version: fast.u64(VERSION)?,
            sort: fast.u64(SORT)?,
            public: fast.u64(PUBLIC)?,
            popularity: fast.u64(POPULARITY)?,
            year: fast.u64(YEAR)?,
            created: fast.i64(CREATED)?,
            keys: fast.str(KEY)?,
            title_names: fast.str(TITLE_NAME)?,
        })
    }

    /// The names of titles that begin so, as their ordinals.
    pub(super) fn begun(&self, begin: &str) -> std::io::Result<Range<u64>> {
        let Some(names) = &self.title_names else { return Ok(0..0) };
        Ok(first_from(names, begin)?..first_from(names, &behind(begin))?)
    }
}

/// Columns of segments that are searched. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Opened(Arc<Mutex<HashMap<SegmentId, Arc<Columns>>>>);

impl Opened {
    /// The columns of every segment, in order. Those of segments that are gone are closed.
    pub(super) fn of(&self, searcher: &Searcher) -> tantivy::Result<Vec<Arc<Columns>>> {
        let segments = searcher.segment_readers();
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() > 2 * segments.len() {
            opened.retain(|id, _| segments.iter().any(|segment| segment.segment_id() == *id));
        }
        let columns = segments.iter().map(|segment| match opened.get(&segment.segment_id()) {
            Some(columns) => Ok(Arc::clone(columns)),
            None => {
                let columns = Arc::new(Columns::open(segment)?);
                opened.insert(segment.segment_id(), Arc::clone(&columns));
                Ok(columns)
            }
        });
        columns.collect()
    }
}

/// What comes behind everything that begins so.
pub(super) fn behind(begin: &str) -> String {
    format!("{begin}\u{10ffff}")
}

/// The ordinal of the first text of a column that does not come before `text`.
pub(super) fn first_from(column: &StrColumn, text: &str) -> std::io::Result<u64> {
    let end = Bound::Excluded(text.as_bytes());
    let (_, end) = column.dictionary().term_bounds_to_ord(Bound::Unbounded, end)?;
    Ok(match end {
        Bound::Included(ordinal) => ordinal + 1,
        Bound::Excluded(ordinal) => ordinal,
        Bound::Unbounded => u64::MAX,
    })
}
