//! Where the words of a question are in one segment.

use super::{asked::Asked, columns::behind, schema::Fields};
use crate::{
    analyse::{Need, Phrase, Scope, Term as Wanted, What, Word, beginning},
    entry,
    rank::{Field, PREFIX, TYPO, TYPOS},
};
use segue_ports::index::Viewer;
use std::{cmp::Reverse, sync::Arc};
use tantivy::{
    DocId, InvertedIndexReader, Searcher, SegmentReader,
    postings::{BlockSegmentPostings, TermInfo},
    schema::{Field as Place, IndexRecordOption},
};

/// Most terms that a beginning stands for: the most frequent ones.
const BEGUN: usize = 1_024;
/// Most terms that a word with wrong letters stands for.
const MISSPELT: usize = 64;

/// How a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Spelling {
    Clean,
    Near,
    Far,
}

/// What being in a list says of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It has this term of the question, which is worth so much.
    Term { bit: u32, value: u16, spelling: Spelling },
    /// One of the flags below.
    Flag(u8),
}

/// The title is what was asked for.
pub(super) const NAMED: u8 = 1;
/// An artist is who was asked for.
pub(super) const BY_NAMED: u8 = 2;
/// It has what must not be there.
pub(super) const BARRED: u8 = 4;
/// The viewer owns it, or collaborates on it.
pub(super) const OWN: u8 = 8;

/// Documents, ascending, and what it says of them.
pub(super) struct List {
    docs: Docs,
    pub(super) mark: Mark,
}

enum Docs {
    Postings { block: Box<BlockSegmentPostings>, at: usize },
    Listed { docs: Vec<DocId>, at: usize },
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        match &self.docs {
            Docs::Listed { docs, .. } => docs.is_empty(),
            // A term is in the dictionary for the documents that have it.
            Docs::Postings { .. } => false,
        }
    }

    /// Calls for each document below `end` that was not called for before.
    pub(super) fn below(&mut self, end: DocId, mut each: impl FnMut(DocId)) {
        match &mut self.docs {
            Docs::Listed { docs, at } => {
                while let Some(doc) = docs.get(*at).filter(|doc| **doc < end) {
                    each(*doc);
                    *at += 1;
                }
            }
            Docs::Postings { block, at } => loop {
                let docs = block.docs();
                let rest = docs.get(*at..).unwrap_or_default();
                let part = rest.partition_point(|doc| *doc < end);
                rest.iter().take(part).for_each(|doc| each(*doc));
                *at += part;
                if *at < docs.len() || docs.is_empty() {
                    return;
                }
                block.advance();
                *at = 0;
            },
        }
    }
}

/// Reads lists of one segment.
pub(super) struct Lists<'a> {
    segment: &'a SegmentReader,
    fields: &'a Fields,
    found: Vec<List>,
}

type Result<T> = tantivy::Result<T>;

impl<'a> Lists<'a> {
    /// Those of every segment, in order.
    pub(super) fn of_all(
        asked: &Asked,
        searcher: &'a Searcher,
        fields: &'a Fields,
    ) -> Result<Vec<Vec<List>>> {
        searcher.segment_readers().iter().map(|segment| Self::of(asked, segment, fields)).collect()
    }

    /// All lists that the question needs, those that are worth more before others of the same term.
    fn of(asked: &Asked, segment: &'a SegmentReader, fields: &'a Fields) -> Result<Vec<List>> {
        let mut lists = Self { segment, fields, found: Vec::new() };
        if let Viewer::User(user) = asked.viewer {
            lists.term(fields.viewer, &user.to_string(), Mark::Flag(OWN))?;
        }
        for (bit, wanted) in asked.question.wanted().enumerate() {
            lists.wanted(wanted, 1 << bit, asked)?;
        }
        for barred in asked.question.terms.iter().filter(|term| term.need == Need::MustNot) {
            lists.written(barred, |_| Mark::Flag(BARRED))?;
        }
        if let Some(name) = &asked.question.name {
            lists.term(fields.title_name, name, Mark::Flag(NAMED))?;
            lists.term(fields.artist_name, name, Mark::Flag(BY_NAMED))?;
        }
        lists.found.sort_by_key(|list| match list.mark {
            Mark::Term { bit, value, .. } => (bit, Reverse(value)),
            Mark::Flag(_) => (0, Reverse(0)),
        });
        Ok(lists.found)
    }

    fn wanted(&mut self, wanted: &Wanted, bit: u32, asked: &Asked) -> Result<()> {
        let mark = |value, spelling| Mark::Term { bit, value, spelling };
        self.written(wanted, |field| mark(field.score(), Spelling::Clean))?;
        let What::Word(word) = &wanted.what else {
            return Ok(());
        };
        let place = match wanted.scope {
            Scope::Any => self.fields.names,
            scope => self.fields.words(places(scope)[0]),
        };
        if word.unfinished {
            for form in &word.forms {
                let short = beginning(form).filter(|_| wanted.scope == Scope::Any);
                match short {
                    Some(token) => self.term(place, &token, mark(PREFIX, Spelling::Clean))?,
                    None => self.begun(place, form, mark(PREFIX, Spelling::Clean))?,
                }
            }
        }
        for typo in asked.typos.iter().filter(|typo| 1 << typo.term == bit) {
            let mark = match typo.spelling {
                Spelling::Far => mark(TYPOS, Spelling::Far),
                _ => mark(TYPO, Spelling::Near),
            };
            let index = self.segment.inverted_index(place)?;
            let mut stream = index.terms().search(&typo.automaton);
            if typo.spelling == Spelling::Far {
                // Of those that are so far away, only such as begin alike.
                stream = stream.ge(typo.first.as_bytes()).lt(behind(&typo.first).as_bytes());
            }
            let mut stream = stream.into_stream()?;
            let mut terms = Vec::new();
            while stream.advance() {
                terms.push(stream.value().clone());
            }
            self.most_frequent(&index, terms, MISSPELT, mark)?;
        }
        Ok(())
    }

    /// Where a term is as it is written.
    fn written(&mut self, wanted: &Wanted, mark: impl Fn(Field) -> Mark) -> Result<()> {
        for field in places(wanted.scope).iter().copied() {
            let place = self.fields.words(field);
            match &wanted.what {
                What::Word(Word { forms, parts, .. }) => {
                    for form in forms {
                        self.term(place, form, mark(field))?;
                    }
                    if !parts.is_empty() {
                        let all: Vec<Vec<String>> = parts.iter().map(|part| vec![part.clone()]).collect();
                        self.all(place, &all, mark(field))?;
                    }
                }
                What::Phrase(Phrase(all)) => self.all(place, all, mark(field))?,
            }
        }
        Ok(())
    }

    fn term(&mut self, place: Place, text: &str, mark: Mark) -> Result<()> {
        let index = self.segment.inverted_index(place)?;
        if let Some(info) = index.terms().get(text)? {
            self.push(&index, &info, mark)?;
        }
        Ok(())
    }

    fn push(&mut self, index: &InvertedIndexReader, info: &TermInfo, mark: Mark) -> Result<()> {
        let block = Box::new(index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?);
        self.found.push(List { docs: Docs::Postings { block, at: 0 }, mark });
        Ok(())
    }

    /// Every term that begins with `text`, up to the most frequent of them.
    fn begun(&mut self, place: Place, text: &str, mark: Mark) -> Result<()> {
        let index = self.segment.inverted_index(place)?;
        let mut stream = index.terms().range().ge(text).lt(behind(text)).into_stream()?;
        let mut terms = Vec::new();
        while stream.advance() {
            terms.push(stream.value().clone());
        }
        self.most_frequent(&index, terms, BEGUN, mark)
    }

    fn most_frequent(
        &mut self,
        index: &Arc<InvertedIndexReader>,
        mut terms: Vec<TermInfo>,
        most: usize,
        mark: Mark,
    ) -> Result<()> {
        if terms.len() > most {
            terms.select_nth_unstable_by_key(most, |info| Reverse(info.doc_freq));
            terms.truncate(most);
        }
        terms.iter().try_for_each(|info| self.push(index, info, mark))
    }

    /// Where, for each entry, one of its tokens is.
    fn all(&mut self, place: Place, all: &[Vec<String>], mark: Mark) -> Result<()> {
        let index = self.segment.inverted_index(place)?;
        let mut entries: Vec<Vec<TermInfo>> = Vec::new();
        for entry in all {
            let infos = entry.iter().map(|token| index.terms().get(token));
            let infos: Vec<TermInfo> =
                infos.filter_map(std::io::Result::transpose).collect::<std::io::Result<_>>()?;
            if infos.is_empty() {
                return Ok(());
            }
            entries.push(infos);
        }
        // The rarest first: what is left gets short soon.
        entries.sort_by_key(|infos| infos.iter().map(|info| info.doc_freq).sum::<u32>());
        let mut docs: Option<Vec<DocId>> = None;
        for infos in &entries {
            let mut these = Vec::new();
            for info in infos {
                let mut one = Self { segment: self.segment, fields: self.fields, found: Vec::new() };
                one.push(&index, info, mark)?;
                one.found.iter_mut().for_each(|list| list.below(DocId::MAX, |doc| these.push(doc)));
            }
            if infos.len() > 1 {
                these.sort_unstable();
            }
            match &mut docs {
                None => {
                    these.dedup();
                    docs = Some(these);
                }
                Some(docs) => docs.retain(|doc| these.binary_search(doc).is_ok()),
            }
        }
        let docs = docs.unwrap_or_default();
        self.found.push(List { docs: Docs::Listed { docs, at: 0 }, mark });
        Ok(())
    }
}

/// Fields that a scope takes in.
fn places(scope: Scope) -> &'static [Field] {
    match scope {
        Scope::Any => &Field::ALL,
        Scope::Title => &[Field::Title],
        Scope::Artist => &[Field::Artist],
        Scope::Album => &[Field::Album],
        Scope::Genre => &[Field::Genre],
    }
}

/// Of whose documents the viewer finds none but their own and public ones.
pub(super) fn is_limited(viewer: Viewer) -> bool {
    entry::viewer(viewer).is_some()
}
