//! Answering a question.
//!
//! Most questions are spelt well: so words are looked up as they are written first, and only when that finds few
//! answers with letters wrong, which costs several times as much.

use super::{
    asked::Asked,
    best::{Found, Heap, merged},
    evaluate::{Counted, evaluate},
    lists::Spelling,
    view::View,
};
use crate::{
    analyse::{Question, highlights},
    cursor::Cursor,
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
    let next = found.last().filter(|_| more).map(|last| last.cursor.text(query));
    let hits = found.into_iter().map(|found| {
        let document = view.document(&searcher, found.place)?;
        let highlights = highlights(question, &document);
        Ok(Hit { document, score: found.cursor.score as f32, highlights })
    });
    Ok(Hits { hits: hits.collect::<Result<_, IndexError>>()?, next })
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
    let (mut found, counted) = all(view, searcher, &asked, after, limit)?;
    // Who is among the others already goes on among them.
    if counted.clean >= ENOUGH && after.is_none_or(|after| after.score >= asked.clean()) {
        found.retain(|found| found.cursor.score >= asked.clean());
        return Ok(found);
    }
    let mut all_words = counted.all;
    if asked.forgive(Spelling::Near) {
        let (nearer, counted) = all(view, searcher, &asked, after, limit)?;
        (found, all_words) = (nearer, counted.all);
    }
    // Two letters wrong are looked for where nothing else is found.
    if all_words == 0 && asked.forgive(Spelling::Far) {
        (found, _) = all(view, searcher, &asked, after, limit)?;
    }
    Ok(found)
}

fn all(
    view: &View,
    searcher: &Searcher,
    asked: &Asked<'_>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<Found>, Counted), IndexError> {
    let mut counted = Counted::default();
    let mut heaps = Vec::new();
    for segment in searcher.segment_readers() {
        let mut heap = Heap::new(segment, limit, after)?;
        evaluate(asked, segment, &view.fields, &mut heap, &mut counted).map_err(IndexError::unavailable)?;
        heaps.push(heap);
    }
    Ok((merged(heaps, limit)?, counted))
}
