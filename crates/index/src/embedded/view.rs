//! What searches see of an index: everything up to the last commit.

use super::{
    columns::{Columns, Opened},
    schema::Fields,
};
use crate::entry::{self, GRAVE};
use segue_ports::index::{Document, IndexError};
use std::{collections::HashSet, sync::Arc};
use tantivy::{
    DocAddress, DocSet, IndexReader, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term,
    collector::DocSetCollector,
    query::TermQuery,
    schema::{IndexRecordOption, Value},
};

/// What a search needs.
#[derive(Clone)]
pub(super) struct View {
    pub(super) reader: IndexReader,
    pub(super) fields: Fields,
    pub(super) opened: Opened,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

/// What there is of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) version: u64,
    pub(super) popularity: u8,
    /// Where it is; `None` before it is committed.
    pub(super) place: Option<DocAddress>,
}

impl View {
    /// The columns of every segment.
    pub(super) fn columns(&self, searcher: &Searcher) -> Result<Vec<Arc<Columns>>, IndexError> {
        self.opened.of(searcher).map_err(IndexError::unavailable)
    }

    /// The document or tombstone with this key.
    pub(super) fn held(&self, searcher: &Searcher, key: &str) -> Result<Option<Held>, IndexError> {
        let term = Term::from_field_text(self.fields.key, key);
        let columns = self.columns(searcher)?;
        for ((number, segment), columns) in (0..).zip(searcher.segment_readers()).zip(&columns) {
            let postings = segment
                .inverted_index(self.fields.key)
                .and_then(|index| Ok(index.read_postings(&term, IndexRecordOption::Basic)?));
            let Some(mut postings) = postings.map_err(IndexError::unavailable)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    return Ok(held(columns, DocAddress::new(number, postings.doc())));
                }
                postings.advance();
            }
        }
        Ok(None)
    }

    /// Keys with `prefix` behind `after` and where they are, ascending, no tombstones, at most `limit`.
    pub(super) fn keys(
        &self,
        searcher: &Searcher,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, DocAddress)>, IndexError> {
        let mut found = Vec::new();
        for (number, segment) in (0..).zip(searcher.segment_readers()) {
            let index = segment.inverted_index(self.fields.key).map_err(IndexError::unavailable)?;
            let graves = self.graves_of(segment)?;
            let stream = index.terms().range().gt(after.as_bytes()).into_stream();
            let mut stream = stream.map_err(IndexError::unavailable)?;
            let end = found.len() + limit;
            while found.len() < end && stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                let mut postings = index
                    .read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)
                    .map_err(IndexError::unavailable)?;
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    if !segment.is_deleted(doc) && !graves.contains(&doc) {
                        let key = String::from_utf8_lossy(stream.key()).into_owned();
                        found.push((key, DocAddress::new(number, doc)));
                    }
                    postings.advance();
                }
            }
        }
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.truncate(limit);
        Ok(found)
    }

    fn graves_of(&self, segment: &SegmentReader) -> Result<HashSet<u32>, IndexError> {
        let term = Term::from_field_text(self.fields.kind, GRAVE);
        let index = segment.inverted_index(self.fields.kind).map_err(IndexError::unavailable)?;
        let postings = index.read_postings(&term, IndexRecordOption::Basic);
        let mut graves = HashSet::new();
        if let Some(mut postings) = postings.map_err(IndexError::unavailable)? {
            while postings.doc() != TERMINATED {
                graves.insert(postings.doc());
                postings.advance();
            }
        }
        Ok(graves)
    }

    /// Every tombstone, by key.
    pub(super) fn graves(&self) -> Result<Vec<(String, Held)>, IndexError> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.kind, GRAVE);
        let graves = searcher
            .search(&TermQuery::new(term, IndexRecordOption::Basic), &DocSetCollector)
            .map_err(IndexError::unavailable)?;
        let columns = self.columns(&searcher)?;
        let mut found = Vec::with_capacity(graves.len());
        for place in graves {
            let Some(columns) = columns.get(place.segment_ord as usize) else { continue };
            let Some((keys, held)) = columns.keys.as_ref().zip(held(columns, place)) else { continue };
            let mut key = String::new();
            if let Some(ordinal) = keys.ords().first(place.doc_id) {
                keys.ord_to_str(ordinal, &mut key).map_err(IndexError::unavailable)?;
                found.push((key, held));
            }
        }
        Ok(found)
    }

    /// The document that is stored there, as it is found.
    pub(super) fn document(&self, searcher: &Searcher, place: DocAddress) -> Result<Document, IndexError> {
        let missing = || IndexError::unavailable("a document is not stored");
        let document = self.stored(searcher, place)?.ok_or_else(missing)?;
        let columns = self.columns(searcher)?;
        let held = columns.get(place.segment_ord as usize).and_then(|columns| held(columns, place));
        Ok(Document { popularity: held.map_or(0, |held| held.popularity), ..document })
    }

    /// The document that is stored there, without its popularity; `None` of a tombstone.
    pub(super) fn stored(
        &self,
        searcher: &Searcher,
        place: DocAddress,
    ) -> Result<Option<Document>, IndexError> {
        let row: TantivyDocument = searcher.doc(place).map_err(IndexError::unavailable)?;
        let stored = row.get_first(self.fields.stored).and_then(|value| value.as_bytes());
        stored.map(entry::read).transpose().map_err(IndexError::unavailable)
    }
}

fn held(columns: &Columns, place: DocAddress) -> Option<Held> {
    let popularity = columns.popularity.first(place.doc_id).unwrap_or(0);
    let popularity = u8::try_from(popularity).unwrap_or(u8::MAX);
    let version = columns.version.first(place.doc_id)?;
    Some(Held { version, popularity, place: Some(place) })
}
