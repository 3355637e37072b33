//! The best hits behind a cursor, by score and then by key.

use super::schema::KEY;
use crate::cursor::Cursor;
use std::{cmp::Reverse, collections::BinaryHeap};
use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal, SegmentReader, TantivyError,
    collector::{Collector, SegmentCollector},
    columnar::StrColumn,
};

/// Collects at most `limit` hits.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) limit: usize,
    pub(super) after: Option<Cursor>,
}

/// A hit.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) score: u32,
    pub(super) key: String,
    pub(super) place: DocAddress,
}

/// The best of one segment. Within it, keys compare as their ordinals.
pub(super) struct OfSegment {
    segment: SegmentOrdinal,
    keys: Option<StrColumn>,
    limit: usize,
    /// Score of the cursor, and the first ordinal behind its key.
    after: Option<(u32, u64)>,
    /// The worst on top.
    heap: BinaryHeap<(Reverse<u32>, u64, DocId)>,
}

impl Collector for Best {
    type Fruit = Vec<Found>;
    type Child = OfSegment;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<OfSegment> {
        let keys = reader.fast_fields().str(KEY)?;
        let after = match (&self.after, &keys) {
            (Some(cursor), Some(keys)) => {
                Some((cursor.score, first_behind(keys, &cursor.key).map_err(TantivyError::from)?))
            }
            _ => None,
        };
        Ok(OfSegment {
            segment,
            keys,
            limit: self.limit,
            after,
            heap: BinaryHeap::with_capacity(self.limit + 1),
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<OfSegment>) -> tantivy::Result<Vec<Found>> {
        let mut scores: Vec<u32> =
            segments.iter().flat_map(|s| s.heap.iter().map(|(score, ..)| score.0)).collect();
        scores.sort_unstable_by_key(|score| Reverse(*score));
        // Keys are looked up only of those who can be among the best.
        let least = scores.get(self.limit.saturating_sub(1)).copied().unwrap_or(0);
        let mut found = Vec::new();
        for segment in segments {
            let Some(keys) = &segment.keys else { continue };
            for (Reverse(score), ordinal, doc) in segment.heap {
                if score < least {
                    continue;
                }
                let mut key = String::new();
                keys.ord_to_str(ordinal, &mut key)?;
                found.push(Found { score, key, place: DocAddress::new(segment.segment, doc) });
            }
        }
        found.sort_unstable_by(|a, b| b.score.cmp(&a.score).then_with(|| a.key.cmp(&b.key)));
        found.truncate(self.limit);
        Ok(found)
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Self;

    fn collect(&mut self, doc: DocId, score: Score) {
        // Scores are sums of whole numbers below 2^24.
        let score = score as u32;
        let Some(ordinal) = self.keys.as_ref().and_then(|keys| keys.ords().first(doc)) else { return };
        if let Some((last, behind)) = self.after
            && (score > last || (score == last && ordinal < behind))
        {
            return;
        }
        let entry = (Reverse(score), ordinal, doc);
        if self.heap.len() < self.limit {
            self.heap.push(entry);
        } else if self.heap.peek().is_some_and(|worst| entry < *worst) {
            self.heap.pop();
            self.heap.push(entry);
        }
    }

    fn harvest(self) -> Self {
        self
    }
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
