//! Terms near a word. tantivy's own query builds the automaton of a word once for each field; that is most of
//! what a short question costs, so here fields share it.

use std::sync::Arc;
use tantivy::{
    Term,
    query::{AutomatonWeight, DfaWrapper, EnableScoring, FuzzyTermQuery, Query, Weight},
    schema::Field,
};

/// Terms that an automaton accepts.
#[derive(Clone)]
pub(super) struct Near(Arc<DfaWrapper>);

/// Documents with one of them in a field.
#[derive(Clone)]
pub(super) struct NearIn {
    near: Near,
    field: Field,
}

impl Near {
    /// Terms that differ from `form` by at most `typos` (at most 2) letters put in, left out, replaced or swapped.
    pub(super) fn typos(form: &str, typos: u8) -> Option<Self> {
        Self::new(&FuzzyTermQuery::new(any_field(form), typos, true))
    }

    /// Terms that begin with `form`.
    pub(super) fn begun(form: &str) -> Option<Self> {
        Self::new(&FuzzyTermQuery::new_prefix(any_field(form), 0, false))
    }

    fn new(query: &FuzzyTermQuery) -> Option<Self> {
        query.automaton().ok().map(|automaton| Self(Arc::new(automaton)))
    }

    pub(super) fn of(&self, field: Field) -> NearIn {
        NearIn { near: self.clone(), field }
    }
}

/// An automaton knows letters, and no field.
fn any_field(form: &str) -> Term {
    Term::from_field_text(Field::from_field_id(0), form)
}

impl std::fmt::Debug for NearIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NearIn").field("field", &self.field).finish_non_exhaustive()
    }
}

impl Query for NearIn {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(AutomatonWeight::<DfaWrapper>::new(self.field, self.near.0.clone())))
    }
}
