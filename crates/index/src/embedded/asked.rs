//! A question, made ready for every segment.

use super::{
    lists::{List, Mark, Spelling},
    schema::sort,
};
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

    /// Looks for those of `terms` with one letter wrong too, or with two. False when that changes nothing.
    pub(super) fn forgive(&mut self, spelling: Spelling, terms: u32) -> tantivy::Result<bool> {
        let wrong = spelling as u8;
        let before = self.typos.len();
        for (term, form) in forms_that_may(self.question, terms & !self.forgiven(spelling), wrong) {
            let automaton = FuzzyTermQuery::new(any_field(form), wrong, true).automaton()?;
            let first = form.chars().take(1).collect();
            self.typos.push(Typos { term, spelling, first, automaton });
        }
        Ok(self.typos.len() > before)
    }

    /// Bits of the terms that are looked for with so many letters wrong by now.
    fn forgiven(&self, spelling: Spelling) -> u32 {
        let typos = self.typos.iter().filter(|typos| typos.spelling == spelling);
        typos.fold(0, |bits, typos| bits | 1 << typos.term)
    }

    /// Whether a word may have more letters wrong than it has by now.
    pub(super) fn may_forgive(&self) -> bool {
        [Spelling::Near, Spelling::Far].into_iter().any(|spelling| {
            forms_that_may(self.question, !self.forgiven(spelling), spelling as u8).next().is_some()
        })
    }

    /// Bits of the terms that have no document in any segment.
    pub(super) fn missing(&self, lists: &[Vec<List>]) -> u32 {
        let found = lists.iter().flatten().fold(0_u32, |bits, list| match list.mark {
            Mark::Term { bit, .. } if !list.is_empty() => bits | bit,
            _ => bits,
        });
        self.question.wanted().enumerate().fold(0, |bits, (term, _)| bits | 1 << term) & !found
    }
}

/// Forms of words among `terms` that may have so many letters wrong, with the numbers of their terms.
fn forms_that_may(question: &Question, terms: u32, wrong: u8) -> impl Iterator<Item = (usize, &String)> {
    let words = question.wanted().enumerate().filter_map(move |(term, wanted)| match &wanted.what {
        What::Word(word) if terms & 1 << term != 0 => Some((term, word)),
        _ => None,
    });
    words.flat_map(move |(term, word)| {
        word.forms.iter().filter(move |form| word.typos(form) >= wrong).map(move |form| (term, form))
    })
}

/// An automaton knows letters, and no field.
fn any_field(form: &str) -> Term {
    Term::from_field_text(Field::from_field_id(0), form)
}
