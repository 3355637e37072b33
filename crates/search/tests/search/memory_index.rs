//! An index in memory that can be away, slow, tampered with and in want of a rebuild.

use async_trait::async_trait;
use segue_domain::Visibility;
use segue_ports::index::{
    Beginning, Document, Hit, Hits, Index, IndexError, Kind, Query, Rating, Rebuild, Scan, Suggestion,
    Viewer, Write,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Version and, unless it is a tombstone, document by id.
type Documents = BTreeMap<String, (u64, Option<Document>)>;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) live: Documents,
    next: Option<Documents>,
    pub(crate) away: bool,
    pub(crate) wants_rebuild: bool,
    /// Somebody else rebuilds.
    pub(crate) busy: bool,
    pub(crate) answers_after: Duration,
    pub(crate) applies: u64,
    /// What was rated last, by id.
    pub(crate) ratings: BTreeMap<String, u8>,
    pub(crate) rebuilds: u64,
    pub(crate) prepared: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryIndex(Arc<Mutex<State>>);

impl MemoryIndex {
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// What is found, ascending by id.
    pub(crate) fn documents(&self) -> Vec<Document> {
        self.with(|state| state.live.values().filter_map(|(_, document)| document.clone()).collect())
    }

    fn reach<T>(&self, look: impl FnOnce(&mut State) -> T) -> Result<T, IndexError> {
        self.with(|state| match state.away {
            true => Err(IndexError::unavailable("it was put away")),
            false => Ok(look(state)),
        })
    }
}

fn write(documents: &mut Documents, writes: &[Write]) {
    for write in writes {
        let (id, version, document) = match write {
            Write::Put(document) => (&document.id, document.version, Some(document.as_ref().clone())),
            Write::Delete { id, version, .. } => (id, *version, None),
        };
        if documents.get(id).is_none_or(|(held, _)| *held < version) {
            documents.insert(id.clone(), (version, document));
        }
    }
}

fn finds(viewer: Viewer, document: &Document) -> bool {
    match viewer {
        Viewer::Everything => true,
        Viewer::User(user) => {
            document.owner == user
                || document.visibility == Visibility::Public
                || document.collaborators.contains(&user)
        }
        Viewer::Anonymous => document.visibility == Visibility::Public,
    }
}

#[async_trait]
impl Index for MemoryIndex {
    async fn prepare(&self) -> Result<bool, IndexError> {
        self.reach(|state| {
            state.prepared += 1;
            state.wants_rebuild
        })
    }

    async fn apply(&self, writes: &[Write]) -> Result<(), IndexError> {
        assert!(writes.len() <= 1_000);
        self.reach(|state| {
            state.applies += 1;
            write(&mut state.live, writes);
            if let Some(next) = &mut state.next {
                write(next, writes);
            }
        })
    }

    async fn refresh(&self) -> Result<(), IndexError> {
        self.reach(|_| ())
    }

    async fn search(&self, query: &Query) -> Result<Hits, IndexError> {
        let wait = self.with(|state| state.answers_after);
        tokio::time::sleep(wait).await;
        if query.after.as_deref() == Some("forgotten") {
            return Err(IndexError::Cursor);
        }
        let documents = self.reach(|state| state.live.clone())?;
        let text = query.text.to_lowercase();
        let mut hits: Vec<Hit> = documents
            .into_values()
            .filter_map(|(_, document)| document)
            .filter(|d| finds(query.viewer, d) && d.title.to_lowercase().contains(&text))
            .filter(|d| query.after.as_ref().is_none_or(|after| d.id > *after))
            .filter(|d| query.kinds.is_empty() || query.kinds.contains(&d.kind))
            .map(|document| Hit { document, score: 1.0, highlights: Vec::new() })
            .collect();
        let more = hits.len() > query.limit as usize;
        hits.truncate(query.limit as usize);
        let next = hits.last().filter(|_| more).map(|hit| hit.document.id.clone());
        Ok(Hits { hits, next })
    }

    async fn rate(&self, ratings: &[Rating]) -> Result<(), IndexError> {
        assert!(ratings.len() <= 1_000);
        self.reach(|state| {
            for Rating { id, popularity, .. } in ratings {
                state.ratings.insert(id.clone(), *popularity);
            }
        })
    }

    async fn suggest(&self, beginning: &Beginning) -> Result<Vec<Suggestion>, IndexError> {
        let documents = self.reach(|state| state.live.clone())?.into_values().filter_map(|(_, d)| d);
        let text = beginning.text.to_lowercase();
        let begins = documents.filter(|d| {
            d.title.to_lowercase().starts_with(&text)
                && finds(beginning.viewer, d)
                && (beginning.kinds.is_empty() || beginning.kinds.contains(&d.kind))
        });
        let suggestion = |d: Document| Suggestion { text: d.title, kind: d.kind, id: d.id };
        Ok(begins.take(beginning.limit as usize).map(suggestion).collect())
    }

    async fn scan(&self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Scan, IndexError> {
        let all = self.reach(|state| state.live.clone())?;
        let rest = all.into_values().filter_map(|(_, document)| document).filter(|d| d.kind == kind);
        let mut documents: Vec<Document> =
            rest.filter(|d| after.is_none_or(|after| *d.id > *after)).collect();
        let more = documents.len() > limit as usize;
        documents.truncate(limit as usize);
        let next = documents.last().filter(|_| more).map(|d| d.id.clone());
        Ok(Scan { documents, next })
    }

    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, IndexError> {
        self.reach(|state| match state.busy {
            true => Err(IndexError::Rebuilding),
            false => {
                state.rebuilds += 1;
                state.next = Some(Documents::new());
                Ok(Box::new(Building(self.clone())) as Box<dyn Rebuild>)
            }
        })?
    }
}

struct Building(MemoryIndex);

#[async_trait]
impl Rebuild for Building {
    async fn apply(&mut self, writes: &[Write]) -> Result<(), IndexError> {
        assert!(writes.len() <= 1_000);
        self.0.reach(|state| write(state.next.as_mut().unwrap(), writes))
    }

    async fn finish(self: Box<Self>) -> Result<(), IndexError> {
        self.0.reach(|state| {
            state.live = state.next.take().unwrap();
            state.wants_rebuild = false;
        })
    }
}
