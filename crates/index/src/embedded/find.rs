//! Answering a question.
//!
//! Most questions are spelt well: so words are looked up as they are written first, and only when that finds few
//! answers with letters wrong, which costs several times as much. A word that is nowhere as it is written is the
//! one that is spelt wrong: the others are not doubted as long as they are found with it.

use super::{
    asked::Asked,
    best::{Found, Heap, merged},
    evaluate::{Counted, Room, Searched, evaluate},
    lists::{List, Lists, Spelling},
    view::View,
};
use crate::{
    analyse::{Question, highlights},
    cursor::Cursor,
    entry::key,
    rank::ENOUGH,
};
use segue_ports::index::{Hit, Hits, IndexError, Query};
use tantivy::Searcher;

/// Titles that begin as asked are looked for from so many letters on.
const TITLE_CHARS: usize = 3;

/// What is forgiven, step by step until there are answers.
const STEPS: [(Spelling, Whose); 5] = [
    (Spelling::Clean, Whose::All),
    (Spelling::Near, Whose::Missing),
    (Spelling::Far, Whose::Missing),
    (Spelling::Near, Whose::All),
    (Spelling::Far, Whose::All),
];

/// Words that a step is about.
enum Whose {
    All,
    /// Those that are nowhere by now.
    Missing,
}

/// The page that `query` asks for.
pub(super) fn find(
    view: &View,
    question: &Question,
    query: &Query,
    after: Option<Cursor>,
) -> Result<Hits, IndexError> {
    let limit = query.limit.clamp(1, 200) as usize;
    let searcher = view.reader.searcher();
    // One more than asked for tells whether there is another page.
    let mut found = best(view, &searcher, question, query, after.as_ref(), limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let mut hits = Vec::with_capacity(found.len());
    for Found { entry, place } in &found {
        let document = view.document(&searcher, *place)?;
        let highlights = highlights(question, &document);
        hits.push(Hit { document, score: entry.score as f32, highlights });
    }
    let next = found.last().zip(hits.last()).filter(|_| more).map(|(Found { entry, .. }, hit)| {
        let key = key(hit.document.kind, &hit.document.id);
        let cursor = Cursor { score: entry.score, popularity: entry.popularity, created: entry.created, key };
        cursor.text(query)
    });
    Ok(Hits { hits, next })
}

fn best(
    view: &View,
    searcher: &Searcher,
    question: &Question,
    query: &Query,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Found>, IndexError> {
    let mut asked = Asked::new(question, query);
    let mut best = Vec::new();
    let mut missing = 0;
    for (spelling, whose) in STEPS {
        let terms = match whose {
            Whose::All => u32::MAX,
            Whose::Missing => missing,
        };
        if spelling != Spelling::Clean && !asked.forgive(spelling, terms).map_err(IndexError::unavailable)? {
            continue;
        }
        let lists = Lists::of_all(&asked, searcher, &view.fields).map_err(IndexError::unavailable)?;
        missing = asked.missing(&lists);
        // A word that is nowhere as it is written is first looked for as it may have been meant.
        if missing != 0 && asked.may_forgive() {
            continue;
        }
        let (mut found, counted) = all(view, searcher, &asked, lists, after, limit)?;
        if spelling == Spelling::Clean {
            // Who is among the others already goes on among them.
            if counted.clean >= ENOUGH && after.is_none_or(|after| after.score >= asked.clean()) {
                found.retain(|found| found.entry.score >= asked.clean());
                return Ok(found);
            }
        } else if counted.all > 0 {
            // More letters wrong are looked for where nothing else is found.
            return Ok(found);
        }
        best = found;
    }
    Ok(best)
}

fn all(
    view: &View,
    searcher: &Searcher,
    asked: &Asked<'_>,
    lists: Vec<Vec<List>>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<Found>, Counted), IndexError> {
    let mut counted = Counted::default();
    let (mut room, mut heaps) = (Room::default(), Vec::new());
    let columns = view.columns(searcher)?;
    for ((segment, columns), lists) in searcher.segment_readers().iter().zip(&columns).zip(lists) {
        let mut heap = Heap::new(columns, limit, after)?;
        let begun = match &asked.question.name {
            Some(name) if name.chars().nth(TITLE_CHARS - 1).is_some() => columns.begun(name),
            _ => Ok(0..0),
        };
        let begun = begun.map_err(IndexError::unavailable)?;
        let segment = Searched { reader: segment, columns, begun };
        evaluate(asked, &segment, lists, &mut room, &mut heap, &mut counted);
        heaps.push(heap);
    }
    Ok((merged(heaps, limit)?, counted))
}
