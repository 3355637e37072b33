//! What answers a question, in one segment.
//!
//! Term by term, in windows of documents that fit the processor's cache: adding up in an array is several times as
//! fast as walking many lists at once, and a list of a word with typos is many lists.

use super::{
    asked::Asked,
    best::{Entry, Heap},
    columns::Columns,
    lists::{BARRED, BY_NAMED, List, Mark, NAMED, OWN, is_limited},
    schema::NO_SORT,
};
use crate::rank::{ALL_CLEAN, ALL_NEAR, ARTIST_NAMED, ENOUGH, TITLE_BEGINS, TITLE_NAMED, WORD};
use std::ops::Range;
use tantivy::{DocId, SegmentReader};

/// A segment that is searched.
pub(super) struct Searched<'a> {
    pub(super) reader: &'a SegmentReader,
    pub(super) columns: &'a Columns,
    /// Titles that begin with what was asked for, as their ordinals.
    pub(super) begun: Range<u64>,
}

/// Documents of a window.
const WINDOW: DocId = 1 << 16;

/// What is known of a document of the window.
#[derive(Clone, Copy, Default)]
pub(super) struct Slot {
    /// Terms that it has, by bit.
    terms: u32,
    /// What they are worth together, beside [`WORD`].
    worth: u16,
    /// The worst spelling among them.
    spelling: u8,
    flags: u8,
}

/// Room for the slots of a window, and which of them are not empty.
#[derive(Default)]
pub(super) struct Room {
    slots: Vec<Slot>,
    touched: Vec<DocId>,
}

/// Counts answers of all segments.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// With all words clean, up to [`ENOUGH`].
    pub(super) clean: usize,
    /// With all words, up to [`ENOUGH`].
    pub(super) all: usize,
}

/// Adds the answers of a segment to `heap`.
pub(super) fn evaluate(
    asked: &Asked<'_>,
    segment: &Searched<'_>,
    mut lists: Vec<List>,
    room: &mut Room,
    heap: &mut Heap,
    counted: &mut Counted,
) {
    if lists.iter().all(|list| matches!(list.mark, Mark::Flag(OWN | BARRED))) && !asked.anything {
        return;
    }
    let most = segment.reader.max_doc();
    let slots = most.min(WINDOW) as usize;
    if room.slots.len() < slots {
        room.slots.resize(slots, Slot::default());
    }
    for begin in (0..most).step_by(WINDOW as usize) {
        let end = begin.saturating_add(WINDOW).min(most);
        lists.iter_mut().for_each(|list| add(list, room, begin, end));
        let mut look = |doc: DocId, slot: &Slot| {
            if let Some(score) = score(asked, slot) {
                consider(asked, segment, heap, counted, doc, slot, score);
            }
        };
        if asked.anything {
            (begin..end).zip(&room.slots).for_each(|(doc, slot)| look(doc, slot));
        }
        // Most questions touch few documents: only these are looked at, and cleared.
        for doc in room.touched.drain(..) {
            if let Some(slot) = room.slots.get_mut((doc - begin) as usize) {
                let slot = std::mem::take(slot);
                if !asked.anything {
                    look(doc, &slot);
                }
            }
        }
    }
}

fn add(list: &mut List, room: &mut Room, begin: DocId, end: DocId) {
    let Room { slots, touched } = room;
    match list.mark {
        Mark::Flag(flag) => list.below(end, |doc| {
            if let Some(slot) = slots.get_mut((doc - begin) as usize) {
                if slot.is_empty() {
                    touched.push(doc);
                }
                slot.flags |= flag;
            }
        }),
        Mark::Term { bit, value, spelling } => list.below(end, |doc| {
            // Lists of a term come by what they are worth: the first that has it counts.
            if let Some(slot) = slots.get_mut((doc - begin) as usize).filter(|slot| slot.terms & bit == 0) {
                if slot.is_empty() {
                    touched.push(doc);
                }
                slot.terms |= bit;
                slot.worth += value;
                slot.spelling = slot.spelling.max(spelling as u8);
            }
        }),
    }
}

impl Slot {
    fn is_empty(&self) -> bool {
        self.terms == 0 && self.flags == 0
    }
}

/// What it is worth, whatever its title begins with; `None` when it is no answer.
fn score(asked: &Asked<'_>, slot: &Slot) -> Option<u32> {
    let named = slot.flags & (NAMED | BY_NAMED) != 0;
    if slot.flags & BARRED != 0 || slot.terms & asked.must != asked.must {
        return None;
    }
    // What may be there must be there at least once.
    if !asked.anything && slot.terms & !asked.must == 0 && asked.wanted > asked.must.count_ones() && !named
        || !asked.anything && slot.terms == 0 && !named
    {
        return None;
    }
    let found = slot.terms.count_ones();
    let mut score = found * WORD + u32::from(slot.worth);
    if found == asked.wanted && slot.spelling < 2 {
        score += ALL_NEAR + if slot.spelling == 0 { ALL_CLEAN } else { 0 };
    }
    for (flag, worth) in [(NAMED, TITLE_NAMED), (BY_NAMED, ARTIST_NAMED)] {
        if slot.flags & flag != 0 {
            score += worth;
        }
    }
    Some(score)
}

fn consider(
    asked: &Asked<'_>,
    segment: &Searched<'_>,
    heap: &mut Heap,
    counted: &mut Counted,
    doc: DocId,
    slot: &Slot,
    score: u32,
) {
    let columns = segment.columns;
    let counts = (score >= asked.clean() && counted.clean < ENOUGH)
        || (score >= asked.wanted * WORD && counted.all < ENOUGH);
    let most = if segment.begun.is_empty() { score } else { score + TITLE_BEGINS };
    if !counts && !heap.may_take(most) {
        return;
    }
    // Columns take longer than lists: they are read one by one, as long as it may be among the best.
    let title = if most > score { columns.title_names.as_ref() } else { None };
    let begins = |ordinal| segment.begun.contains(&ordinal);
    let score =
        if title.and_then(|title| title.ords().first(doc)).is_some_and(begins) { most } else { score };
    if !counts && !heap.takes(score) {
        return;
    }
    let popularity = u8::try_from(columns.popularity.first(doc).unwrap_or(0)).unwrap_or(u8::MAX);
    let entry = Entry { score, popularity, created: columns.created.first(doc).unwrap_or(0), doc };
    if !counts && !heap.has_room_for(&entry) {
        return;
    }
    let sort = columns.sort.first(doc).unwrap_or(NO_SORT);
    if sort == NO_SORT || !asked.wants(sort) || segment.reader.is_deleted(doc) {
        return;
    }
    let own = slot.flags & OWN != 0 || columns.public.first(doc) == Some(1);
    if is_limited(asked.viewer) && !own {
        return;
    }
    let question = asked.question;
    if !question.years.is_empty() || !question.not_years.is_empty() {
        let year = columns.year.first(doc).unwrap_or(0);
        let is_in = |(from, to): &(u32, u32)| (u64::from(*from)..=u64::from(*to)).contains(&year);
        // What has no year is in none.
        if !question.years.iter().all(is_in) || question.not_years.iter().any(is_in) {
            return;
        }
    }
    counted.clean += usize::from(score >= asked.clean());
    counted.all += usize::from(score >= asked.wanted * WORD);
    heap.push(entry);
}
