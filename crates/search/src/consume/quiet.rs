//! Facts by which nothing changes that the index says, but for the version: an item of a playlist was moved. They wait a
//! moment for others, so that a stream of them is not a stream of commits.

use super::Taken;
use crate::document::{self, Change};
use segue_ports::index::{Document, Kind, Write};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::Instant;

/// Longest wait of a quiet fact.
const LONGEST: Duration = Duration::from_millis(250);
/// Things of which it is remembered what was said last.
const REMEMBERED: usize = 4096;

/// What was applied last, and the quiet facts that wait. A wrong memory makes a fact wait, and no more.
#[derive(Default)]
pub(super) struct Quiet {
    said: HashMap<(Kind, String), u64>,
    waiting: Vec<Taken>,
    due: Option<Instant>,
}

impl Quiet {
    /// When what waits must be applied.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes facts, and gives back what is to be applied now, in order: everything, or nothing while all may wait. No more
    /// than `most` do.
    pub(super) fn pass(&mut self, facts: Vec<Taken>, most: usize) -> Vec<Taken> {
        let quiet = facts.iter().all(|fact| self.is_quiet(fact));
        self.waiting.extend(facts);
        let now = Instant::now();
        if !self.waiting.is_empty() {
            self.due.get_or_insert(now + LONGEST);
        }
        if quiet && self.waiting.len() < most && self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.due = None;
        std::mem::take(&mut self.waiting)
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

    fn is_quiet(&self, fact: &Taken) -> bool {
        let Ok((Change::Write(Write::Put(document)), _)) = &fact.change else { return false };
        self.said.get(&(document.kind, document.id.clone())) == Some(&content(document))
    }
}

/// Stands for all that a document says but its version.
fn content(document: &Document) -> u64 {
    let mut hasher = DefaultHasher::new();
    Document { version: 0, ..document.clone() }.hash(&mut hasher);
    hasher.finish()
}
