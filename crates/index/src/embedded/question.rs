//! A question in tantivy's words.

use super::{near::Near, schema::Fields};
use crate::{
    analyse::{Question, Word},
    entry,
    rank::{ARTIST_NAMED, Closeness, Field, TITLE_NAMED},
};
use segue_ports::index::Query;
use tantivy::{
    Term,
    query::{BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, Query as Clause, TermQuery},
    schema::{Field as Place, IndexRecordOption},
};

/// The question, asked by that viewer for these kinds.
pub(super) fn build(fields: &Fields, question: &Question, query: &Query) -> Box<dyn Clause> {
    let mut any: Vec<(Occur, Box<dyn Clause>)> = Vec::new();
    for word in &question.words {
        any.push((Occur::Should, Box::new(DisjunctionMaxQuery::new(ways(fields, word)))));
    }
    for (place, score) in [(fields.title_name, TITLE_NAMED), (fields.artist_name, ARTIST_NAMED)] {
        any.push((Occur::Should, worth(term(place, &question.name), score)));
    }
    let mut all: Vec<(Occur, Box<dyn Clause>)> = vec![(Occur::Must, Box::new(BooleanQuery::new(any)))];
    if let Some(viewers) = entry::viewer(query.viewer) {
        all.push((Occur::Must, worth(one_of(fields.viewer, viewers.iter().map(String::as_str)), 0.0)));
    }
    if !query.kinds.is_empty() {
        all.push((Occur::Must, worth(one_of(fields.kind, query.kinds.iter().map(|kind| kind.name())), 0.0)));
    }
    Box::new(BooleanQuery::new(all))
}

/// Every way in which a field may have the word.
fn ways(fields: &Fields, word: &Word) -> Vec<Box<dyn Clause>> {
    let mut ways = Vec::new();
    let mut way = |clause, field: Field, closeness| ways.push(worth(clause, field.score(closeness)));
    for form in &word.forms {
        let typos =
            Some(Word::typos(form)).filter(|typos| *typos > 0).and_then(|typos| Near::typos(form, typos));
        let begun = Some(form).filter(|_| word.unfinished).and_then(|form| Near::begun(form));
        for field in Field::ALL {
            let place = fields.words(field);
            way(term(place, form), field, Closeness::Exact);
            for (near, closeness) in [(&typos, Closeness::Typo), (&begun, Closeness::Prefix)] {
                if let Some(near) = near {
                    way(Box::new(near.of(place)), field, closeness);
                }
            }
        }
    }
    if !word.parts.is_empty() {
        for field in Field::ALL {
            let parts = word.parts.iter().map(|part| (Occur::Must, term(fields.words(field), part)));
            way(Box::new(BooleanQuery::new(parts.collect())), field, Closeness::Exact);
        }
    }
    ways
}

fn worth(clause: Box<dyn Clause>, score: f32) -> Box<dyn Clause> {
    Box::new(ConstScoreQuery::new(clause, score))
}

fn term(place: Place, text: &str) -> Box<dyn Clause> {
    Box::new(TermQuery::new(Term::from_field_text(place, text), IndexRecordOption::Basic))
}

fn one_of<'a>(place: Place, texts: impl Iterator<Item = &'a str>) -> Box<dyn Clause> {
    Box::new(BooleanQuery::new(texts.map(|text| (Occur::Should, term(place, text))).collect()))
}
