//! The best hits behind a cursor: by score, popularity and age, and then by key.

use super::schema::KEY;
use crate::cursor::Cursor;
use segue_ports::index::IndexError;
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};
use tantivy::{DocAddress, DocId, SegmentReader, columnar::StrColumn};

/// A document of a segment that answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) score: u32,
    pub(super) popularity: u8,
    pub(super) created: i64,
    pub(super) doc: DocId,
}

/// A hit.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) cursor: Cursor,
    pub(super) place: DocAddress,
}

/// How good an entry is, the best first. Within a segment, keys compare as their ordinals.
type Order = (Reverse<u32>, Reverse<u8>, Reverse<i64>, u64);

/// The best of one segment.
pub(super) struct Heap {
    keys: Option<StrColumn>,
    limit: usize,
    /// Only what is behind it.
    after: Option<Order>,
    /// Only what is worth as much.
    floor: u32,
    /// The worst on top.
    entries: BinaryHeap<(Order, DocId)>,
}

impl Heap {
    /// At most `limit` of a segment, all behind `after`.
    pub(super) fn new(
        segment: &SegmentReader,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Self, IndexError> {
        let keys = segment.fast_fields().str(KEY).map_err(IndexError::unavailable)?;
        let after = match (after, &keys) {
            (Some(cursor), Some(keys)) => {
                let behind = first_behind(keys, &cursor.key).map_err(IndexError::unavailable)?;
                Some((Reverse(cursor.score), Reverse(cursor.popularity), Reverse(cursor.created), behind))
            }
            _ => None,
        };
        Ok(Self { keys, limit, after, floor: 0, entries: BinaryHeap::with_capacity(limit + 1) })
    }

    /// False when no entry with this score could be among the best.
    pub(super) fn takes(&self, score: u32) -> bool {
        score >= self.floor && self.after.is_none_or(|(last, ..)| score <= last.0)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        let Some(ordinal) = self.keys.as_ref().and_then(|keys| keys.ords().first(entry.doc)) else {
            return;
        };
        let order = (Reverse(entry.score), Reverse(entry.popularity), Reverse(entry.created), ordinal);
        if self.after.is_some_and(|after| order < after) {
            return;
        }
        if self.entries.len() >= self.limit {
            if self.entries.peek().is_none_or(|(worst, _)| order >= *worst) {
                return;
            }
            self.entries.pop();
        }
        self.entries.push((order, entry.doc));
        if self.entries.len() >= self.limit {
            self.floor = self.entries.peek().map_or(0, |((score, ..), _)| score.0);
        }
    }
}

/// The best of all segments.
pub(super) fn merged(heaps: Vec<Heap>, limit: usize) -> Result<Vec<Found>, IndexError> {
    // Keys are looked up only of those who can be among the best.
    let mut orders: Vec<(Reverse<u32>, Reverse<u8>, Reverse<i64>)> =
        heaps.iter().flat_map(|heap| heap.entries.iter().map(|((a, b, c, _), _)| (*a, *b, *c))).collect();
    orders.sort_unstable();
    let last = orders.get(limit.saturating_sub(1)).copied();
    let mut found = Vec::new();
    for (segment, heap) in (0..).zip(heaps) {
        let Some(keys) = &heap.keys else { continue };
        for ((score, popularity, created, ordinal), doc) in heap.entries {
            if last.is_some_and(|last| (score, popularity, created) > last) {
                continue;
            }
            let mut key = String::new();
            keys.ord_to_str(ordinal, &mut key).map_err(IndexError::unavailable)?;
            let cursor = Cursor { score: score.0, popularity: popularity.0, created: created.0, key };
            found.push(Found { cursor, place: DocAddress::new(segment, doc) });
        }
    }
    found.sort_unstable_by(|a, b| order(&a.cursor, &b.cursor));
    found.truncate(limit);
    Ok(found)
}

fn order(a: &Cursor, b: &Cursor) -> Ordering {
    let order = |c: &Cursor| (Reverse(c.score), Reverse(c.popularity), Reverse(c.created));
    order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
}

/// The ordinal of the first key of the segment that is greater.
fn first_behind(keys: &StrColumn, key: &str) -> std::io::Result<u64> {
    use std::ops::Bound;
    // Everything up to and including the key, as ordinals.
    let (_, end) = keys.dictionary().term_bounds_to_ord(Bound::Unbounded, Bound::Included(key.as_bytes()))?;
    Ok(match end {
        Bound::Included(ordinal) => ordinal + 1,
        Bound::Excluded(ordinal) => ordinal,
        Bound::Unbounded => u64::MAX,
    })
}
