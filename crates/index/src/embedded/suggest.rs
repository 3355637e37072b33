//! Names that begin as typed.
//!
//! A beginning with few names behind it is looked up name by name. One with many ("s") is a range of the sorted names,
//! and each document's place in it is a number: reading those of a million documents takes a millisecond or two.

use super::{
    asked::Asked,
    columns::{Columns, behind},
    lists::is_limited,
    schema::NO_SORT,
    view::View,
};
use crate::analyse::{Question, name};
use segue_ports::index::{Beginning, IndexError, Query, Suggestion, Viewer};
use std::{cmp::Reverse, collections::HashSet};
use tantivy::{DocAddress, DocId, DocSet, SegmentReader, TERMINATED, Term, schema::IndexRecordOption};

/// Names that are looked up one by one.
const FEW: u64 = 256;
/// From so many letters on a name may have an article before them.
const ARTICLE_CHARS: usize = 3;
const ARTICLE: &str = "the";

/// A name, and the most popular that is called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named {
    popularity: u64,
    name: u64,
    doc: DocId,
}

/// The best of a segment, each name once.
struct Top {
    limit: usize,
    best: Vec<Named>,
}

impl Top {
    /// Keeps it if it is among the best. The short list is cheaper to walk than a map is to keep.
    fn push(&mut self, new: Named) {
        if let Some(same) = self.best.iter_mut().find(|one| one.name == new.name) {
            if new.popularity > same.popularity {
                *same = new;
            }
        } else if self.best.len() < self.limit {
            self.best.push(new);
        } else if let Some(worst) = self.best.iter_mut().min_by_key(|one| (one.popularity, Reverse(one.name)))
            && (new.popularity, Reverse(new.name)) > (worst.popularity, Reverse(worst.name))
        {
            *worst = new;
        }
    }

    /// False when nothing so popular can be among the best, unless its name comes earlier.
    fn takes(&self, popularity: u64) -> bool {
        self.best.len() < self.limit || self.best.iter().any(|one| one.popularity <= popularity)
    }
}

pub(super) fn suggest(view: &View, beginning: &Beginning) -> Result<Vec<Suggestion>, IndexError> {
    let Some(begin) = name(&beginning.text) else {
        return Ok(Vec::new());
    };
    let mut begins = vec![begin.clone()];
    if begin.chars().nth(ARTICLE_CHARS - 1).is_some() {
        begins.push(format!("{ARTICLE}{begin}"));
    }
    let limit = beginning.limit.clamp(1, 50) as usize;
    let searcher = view.reader.searcher();
    let mut found = Vec::new();
    let columns = view.columns(&searcher)?;
    for ((number, segment), columns) in (0..).zip(searcher.segment_readers()).zip(&columns) {
        let top = of_segment(view, segment, columns, &begins, beginning, limit);
        let top = top.map_err(IndexError::unavailable)?;
        for (named, text) in top {
            found.push((Reverse(named.popularity), text, DocAddress::new(number, named.doc)));
        }
    }
    found.sort_unstable();
    let mut seen = HashSet::new();
    found.retain(|(_, text, _)| seen.insert(text.clone()));
    found.truncate(limit);
    let suggestions = found.into_iter().map(|(_, _, place)| {
        let document = view.document(&searcher, place)?;
        Ok(Suggestion { text: document.title, kind: document.kind, id: document.id })
    });
    suggestions.collect()
}

fn of_segment(
    view: &View,
    segment: &SegmentReader,
    columns: &Columns,
    begins: &[String],
    beginning: &Beginning,
    limit: usize,
) -> tantivy::Result<Vec<(Named, String)>> {
    let Some(names) = &columns.title_names else { return Ok(Vec::new()) };
    let own = own(view, segment, beginning.viewer)?;
    let question = Question { terms: Vec::new(), years: Vec::new(), not_years: Vec::new(), name: None };
    let query = Query {
        text: String::new(),
        kinds: beginning.kinds.clone(),
        viewer: beginning.viewer,
        limit: 1,
        after: None,
    };
    let asked = Asked::new(&question, &query);
    let mut top = Top { limit, best: Vec::with_capacity(limit) };
    let mut consider = |doc: DocId, name: u64| {
        let popularity = columns.popularity.first(doc).unwrap_or(0);
        if !top.takes(popularity) {
            return;
        }
        let sort = columns.sort.first(doc).unwrap_or(NO_SORT);
        let seen = || columns.public.first(doc) == Some(1) || own.contains(&doc);
        if sort != NO_SORT
            && asked.wants(sort)
            && !segment.is_deleted(doc)
            && (!is_limited(beginning.viewer) || seen())
        {
            top.push(Named { popularity, name, doc });
        }
    };
    let index = segment.inverted_index(view.fields.title_name)?;
    let terms = index.terms();
    for begin in begins {
        let range = columns.begun(begin)?;
        if range.is_empty() {
            continue;
        }
        if range.end - range.start <= FEW {
            let mut stream = terms.range().ge(begin).lt(behind(begin)).into_stream()?;
            while stream.advance() {
                let mut docs = index.read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)?;
                while docs.doc() != TERMINATED {
                    consider(docs.doc(), stream.term_ord());
                    docs.advance();
                }
            }
        } else {
            let mut docs = Vec::new();
            let names = names.ords();
            names.get_docids_for_value_range(range.start..=range.end - 1, 0..segment.max_doc(), &mut docs);
            docs.into_iter().for_each(|doc| consider(doc, names.first(doc).unwrap_or(range.start)));
        }
    }
    let text = |named: Named| {
        let mut text = Vec::new();
        terms.ord_to_term(named.name, &mut text).map(|_| (named, String::from_utf8_lossy(&text).into_owned()))
    };
    Ok(top.best.into_iter().map(text).collect::<std::io::Result<_>>()?)
}

/// Documents that the viewer finds whatever their visibility.
fn own(view: &View, segment: &SegmentReader, viewer: Viewer) -> tantivy::Result<HashSet<DocId>> {
    let mut own = HashSet::new();
    let Viewer::User(user) = viewer else {
        return Ok(own);
    };
    let term = Term::from_field_text(view.fields.viewer, &user.to_string());
    let index = segment.inverted_index(view.fields.viewer)?;
    if let Some(mut docs) = index.read_postings(&term, IndexRecordOption::Basic)? {
        while docs.doc() != TERMINATED {
            own.insert(docs.doc());
            docs.advance();
        }
    }
    Ok(own)
}
