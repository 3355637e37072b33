//! Facts by which nothing changes that the index says, but for the version: an item of a playlist was moved. They wait a
//! moment for others, so that a stream of them is not a stream of commits. Of each thing only the newest waits: once that
//! is applied, those before it change nothing.

use super::Taken;
use crate::document::{self, Change};
use segue_ports::index::{Document, Kind, Write};
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::Instant;

/// Longest wait of a quiet fact. A commit of the embedded index takes both cores of a small machine for some hundredths of a
/// second.
const LONGEST: Duration = Duration::from_secs(1);
/// Things of which it is remembered what was said last.
const REMEMBERED: usize = 4096;

/// What was applied last, and the quiet facts that wait. A wrong memory makes a fact wait, and no more.
#[derive(Default)]
pub(super) struct Quiet {
    said: HashMap<Subject, u64>,
    /// With their versions.
    waiting: HashMap<Subject, (u64, Taken)>,
    due: Option<Instant>,
}

type Subject = (Kind, String);

/// What becomes of facts.
#[derive(Default)]
pub(super) struct Passed {
    /// To be applied now: everything, or nothing while all may wait.
    pub(super) apply: Vec<Taken>,
    /// A newer one of the same thing waits.
    pub(super) overtaken: Vec<Taken>,
}

impl Quiet {
    /// When what waits must be applied.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes facts, and says what becomes of them and of those that waited. Fewer than `most` wait.
    pub(super) fn pass(&mut self, facts: Vec<Taken>, most: usize) -> Passed {
        let mut passed = Passed::default();
        let subjects: Option<Vec<_>> = facts.iter().map(|fact| self.quiet(fact)).collect();
        let now = Instant::now();
        match subjects {
            Some(subjects) => {
                for ((subject, version), fact) in subjects.into_iter().zip(facts) {
                    match self.waiting.entry(subject) {
                        Entry::Vacant(free) => drop(free.insert((version, fact))),
                        Entry::Occupied(mut kept) if kept.get().0 < version => {
                            passed.overtaken.push(kept.insert((version, fact)).1);
                        }
                        Entry::Occupied(_) => passed.overtaken.push(fact),
                    }
                }
                if self.waiting.is_empty() {
                    return passed;
                }
                if self.waiting.len() < most && now < *self.due.get_or_insert(now + LONGEST) {
                    return passed;
                }
            }
            None => passed.apply = facts,
        }
        self.due = None;
        passed.apply.extend(self.waiting.drain().map(|(_, (_, fact))| fact));
        passed
    }

    /// These were applied.
    pub(super) fn applied(&mut self, writes: &[Write]) {
        if self.said.len() + writes.len() > REMEMBERED {
            self.said.clear();
        }
        for write in writes {
            let ((kind, id), _) = document::subject(write);
            match write {
                Write::Put(document) => drop(self.said.insert((kind, id.to_owned()), content(document))),
                Write::Delete { .. } => drop(self.said.remove(&(kind, id.to_owned()))),
            }
        }
    }

    /// What a quiet fact is about, and its version.
    fn quiet(&self, fact: &Taken) -> Option<(Subject, u64)> {
        let Ok((Change::Write(Write::Put(document)), _)) = &fact.change else { return None };
        let subject = (document.kind, document.id.clone());
        (self.said.get(&subject) == Some(&content(document))).then_some((subject, document.version))
    }
}

/// Stands for all that a document says but its version.
fn content(document: &Document) -> u64 {
    let mut hasher = DefaultHasher::new();
    Document { version: 0, ..document.clone() }.hash(&mut hasher);
    hasher.finish()
}
