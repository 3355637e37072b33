//! A question in tantivy's words.

use super::schema::Fields;
use crate::{
    analyse::{Question, Word},
    entry,
    rank::{ARTIST_NAMED, Closeness, Field, TITLE_NAMED},
};
use segue_ports::index::Query;
use tantivy::{
    Term,
    query::{
        BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query as Clause, TermQuery,
    },
    schema::{Field as Place, IndexRecordOption},
};

/// The question, asked by that viewer for these kinds.
pub(super) fn build(fields: &Fields, question: &Question, query: &Query) -> Box<dyn Clause> {
    let mut any: Vec<(Occur, Box<dyn Clause>)> = Vec::new();
    for word in &question.words {
        let matches = Field::ALL.into_iter().flat_map(|field| ways(fields, field, word)).collect();
        any.push((Occur::Should, Box::new(DisjunctionMaxQuery::new(matches))));
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

/// Every way in which the field may have the word.
fn ways(fields: &Fields, field: Field, word: &Word) -> Vec<Box<dyn Clause>> {
    let place = fields.words(field);
    let mut ways = Vec::new();
    for form in &word.forms {
        ways.push(worth(term(place, form), field.score(Closeness::Exact)));
        let near = |typos| FuzzyTermQuery::new(Term::from_field_text(place, form), typos, true);
        match Word::typos(form) {
            0 => {}
            typos => ways.push(worth(Box::new(near(typos)), field.score(Closeness::Typo))),
        }
        if word.unfinished {
            let begun = FuzzyTermQuery::new_prefix(Term::from_field_text(place, form), 0, false);
            ways.push(worth(Box::new(begun), field.score(Closeness::Prefix)));
        }
    }
    if !word.parts.is_empty() {
        let parts = word.parts.iter().map(|part| (Occur::Must, term(place, part))).collect();
        ways.push(worth(Box::new(BooleanQuery::new(parts)), field.score(Closeness::Exact)));
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
