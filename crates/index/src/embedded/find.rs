//! Answering a question.
//!
//! Most questions are spelt well: so words are looked up as they are written first, and only when that finds few
//! answers with letters wrong, which costs several times as much.

use super::{
    asked::Asked,
    best::{Found, Heap, merged},
    evaluate::{Counted, Room, evaluate},
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
    for spelling in [Spelling::Clean, Spelling::Near, Spelling::Far] {
        if !asked.forgive(spelling) {
            break;
        }
        let lists = Lists::of_all(&asked, searcher, &view.fields).map_err(IndexError::unavailable)?;
        // A word that is nowhere as it is written is first looked for as it may have been meant.
        if !asked.is_in(&lists) && asked.may_forgive_more(spelling) {
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
            // Two letters wrong are looked for where nothing else is found.
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
        evaluate(asked, segment, (lists, columns.as_ref()), &mut room, &mut heap, &mut counted);
        heaps.push(heap);
    }
    Ok((merged(heaps, limit)?, counted))
}
