//! The best hits behind a cursor: by score, popularity and age, and then by key.

use super::columns::{Columns, first_from};
use crate::cursor::Cursor;
use segue_ports::index::IndexError;
use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};
use tantivy::{DocAddress, DocId};

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
    pub(super) entry: Entry,
    pub(super) place: DocAddress,
}

/// How good an entry is, the best first. Within a segment, keys compare as their ordinals.
type Order = (Reverse<u32>, Reverse<u8>, Reverse<i64>, u64);

/// The best of one segment.
pub(super) struct Heap {
    columns: Arc<Columns>,
    limit: usize,
    /// Only what is behind it.
    after: Option<Order>,
    /// The worst on top.
    entries: BinaryHeap<(Order, DocId)>,
}

impl Heap {
    /// At most `limit` of a segment, all behind `after`.
    pub(super) fn new(
        columns: &Arc<Columns>,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Self, IndexError> {
        let after = match (after, &columns.keys) {
            (Some(cursor), Some(keys)) => {
                let behind =
                    first_from(keys, &format!("{}\0", cursor.key)).map_err(IndexError::unavailable)?;
                Some((Reverse(cursor.score), Reverse(cursor.popularity), Reverse(cursor.created), behind))
            }
            _ => None,
        };
        let entries = BinaryHeap::with_capacity(limit + 1);
        Ok(Self { columns: Arc::clone(columns), limit, after, entries })
    }

    /// The worst, when there is no room for more.
    fn worst(&self) -> Option<&Order> {
        self.entries.peek().filter(|_| self.entries.len() >= self.limit).map(|(order, _)| order)
    }

    /// False when no entry with at most this score could be among the best.
    pub(super) fn may_take(&self, score: u32) -> bool {
        self.worst().is_none_or(|(worst, ..)| score >= worst.0)
    }

    /// False when no entry with this score could be among the best.
    pub(super) fn takes(&self, score: u32) -> bool {
        self.may_take(score) && self.after.is_none_or(|(last, ..)| score <= last.0)
    }

    /// False when it is not among the best, whatever its key.
    pub(super) fn has_room_for(&self, entry: &Entry) -> bool {
        let order = (Reverse(entry.score), Reverse(entry.popularity), Reverse(entry.created));
        self.worst().is_none_or(|worst| order <= (worst.0, worst.1, worst.2))
    }

    fn ordinal(&self, doc: DocId) -> Option<u64> {
        self.columns.keys.as_ref().and_then(|keys| keys.ords().first(doc))
    }

    pub(super) fn push(&mut self, entry: Entry) {
        if !self.has_room_for(&entry) {
            return;
        }
        let Some(ordinal) = self.ordinal(entry.doc) else { return };
        let order = (Reverse(entry.score), Reverse(entry.popularity), Reverse(entry.created), ordinal);
        if self.after.is_some_and(|after| order < after) {
            return;
        }
        if let Some(worst) = self.worst() {
            if order >= *worst {
                return;
            }
            self.entries.pop();
        }
        self.entries.push((order, entry.doc));
    }
}

/// The best of all segments. Looking a key up takes longer than most else that a search does: it is done only for those
/// that nothing but their keys tells apart.
pub(super) fn merged(heaps: Vec<Heap>, limit: usize) -> Result<Vec<Found>, IndexError> {
    let mut found: Vec<(Order, usize, Entry)> = Vec::new();
    for (segment, heap) in heaps.iter().enumerate() {
        let entry = |(order, doc): &(Order, DocId)| {
            let (score, popularity, created, _) = *order;
            let entry = Entry { score: score.0, popularity: popularity.0, created: created.0, doc: *doc };
            (*order, segment, entry)
        };
        found.extend(heap.entries.iter().map(entry));
    }
    let rank = |(order, ..): &(Order, usize, Entry)| (order.0, order.1, order.2);
    found.sort_unstable_by_key(|one| (rank(one), one.1, one.0.3));
    let mut begin = 0;
    while begin < found.len().min(limit) {
        let alike =
            |one: &&(Order, usize, Entry)| found.get(begin).is_some_and(|first| rank(one) == rank(first));
        let end = begin + found[begin..].iter().take_while(alike).count();
        let of_one_segment = found[begin..end].iter().all(|one| one.1 == found[begin].1);
        if !of_one_segment {
            let mut keyed = Vec::with_capacity(end - begin);
            for one in &found[begin..end] {
                keyed.push((key(&heaps, one)?, *one));
            }
            keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            found.splice(begin..end, keyed.into_iter().map(|(_, one)| one));
        }
        begin = end;
    }
    found.truncate(limit);
    let place = |segment: usize, doc| DocAddress::new(u32::try_from(segment).unwrap_or(u32::MAX), doc);
    Ok(found.into_iter().map(|(_, at, entry)| Found { entry, place: place(at, entry.doc) }).collect())
}

fn key(heaps: &[Heap], (order, segment, _): &(Order, usize, Entry)) -> Result<String, IndexError> {
    let mut key = String::new();
    if let Some(keys) = heaps.get(*segment).and_then(|heap| heap.columns.keys.as_ref()) {
        keys.ord_to_str(order.3, &mut key).map_err(IndexError::unavailable)?;
    }
    Ok(key)
}
