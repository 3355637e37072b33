//! A question, made ready for every segment.

use super::{lists::Spelling, schema::sort};
use crate::{
    analyse::{Need, Question, What},
    rank::WORD,
};
use segue_ports::index::{Query, Viewer};
use tantivy::{
    Term,
    query::{DfaWrapper, FuzzyTermQuery},
    schema::Field,
};

/// What is asked, by whom.
pub(super) struct Asked<'a> {
    pub(super) question: &'a Question,
    pub(super) viewer: Viewer,
    /// Bits of the terms that must be there.
    pub(super) must: u32,
    /// How many terms add to a score.
    pub(super) wanted: u32,
    /// A document with none of the terms is an answer: the question only says what it must not have.
    pub(super) anything: bool,
    /// Words with letters wrong that are looked for by now.
    pub(super) typos: Vec<Typos>,
    /// Bits of the kinds that are wanted.
    kinds: u8,
}

/// Terms near a form of a word.
pub(super) struct Typos {
    /// Number of the term of the question.
    pub(super) term: usize,
    pub(super) spelling: Spelling,
    /// Its first letter.
    pub(super) first: String,
    pub(super) automaton: DfaWrapper,
}

impl<'a> Asked<'a> {
    pub(super) fn new(question: &'a Question, query: &Query) -> Self {
        let must = question.wanted().enumerate().filter(|(_, term)| term.need == Need::Must);
        let kinds = query.kinds.iter().fold(0, |bits, kind| bits | 1 << sort(*kind));
        let wanted = question.wanted().count();
        Self {
            question,
            viewer: query.viewer,
            must: must.fold(0, |bits, (bit, _)| bits | 1 << bit),
            wanted: u32::try_from(wanted).unwrap_or(u32::MAX),
            anything: wanted == 0,
            typos: Vec::new(),
            kinds: if kinds == 0 { u8::MAX } else { kinds },
        }
    }

    /// True when documents of the kind with this number are wanted.
    pub(super) fn wants(&self, sort: u64) -> bool {
        sort < 8 && self.kinds & (1 << sort) != 0
    }

    /// The least score of what has all words clean.
    pub(super) fn clean(&self) -> u32 {
        self.wanted * WORD + crate::rank::ALL_CLEAN + crate::rank::ALL_NEAR
    }

    /// Looks for words with one letter wrong too, or with two. False when there are none that may have so many.
    pub(super) fn forgive(&mut self, spelling: Spelling) -> bool {
        let least = if spelling == Spelling::Far { 2 } else { 1 };
        let before = self.typos.len();
        for (term, wanted) in self.question.wanted().enumerate() {
            let What::Word(word) = &wanted.what else {
                continue;
            };
            for form in word.forms.iter().filter(|form| word.typos(form) >= least) {
                let query = FuzzyTermQuery::new(any_field(form), least, true);
                let Ok(automaton) = query.automaton() else {
                    continue;
                };
                let first = form.chars().take(1).collect();
                self.typos.push(Typos { term, spelling, first, automaton });
            }
        }
        self.typos.len() > before
    }
}

/// An automaton knows letters, and no field.
fn any_field(form: &str) -> Term {
    Term::from_field_text(Field::from_field_id(0), form)
}
