//! An origin that is told what to say: things are their versions.

use crate::cache::{LoadError, Loaded, Origin, Source};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Library {
    state: Mutex<State>,
    /// Loads that have read wait while this is true.
    held: watch::Sender<bool>,
    begun: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    copies: HashMap<Source, HashMap<String, u64>>,
    down: HashSet<Source>,
    loads: Vec<(Source, usize)>,
}

#[derive(Debug, thiserror::Error)]
#[error("the library is closed")]
pub(super) struct Closed;

impl Default for Library {
    fn default() -> Self {
        Self { state: Mutex::default(), held: watch::Sender::new(false), begun: watch::Sender::new(0) }
    }
}

impl Library {
    pub(super) fn set(&self, id: &str, primary: u64, replica: u64) {
        let mut state = self.state();
        for (source, version) in [(Source::Primary, primary), (Source::Replica, replica)] {
            if version > 0 {
                state.copies.entry(source).or_default().insert(id.to_owned(), version);
            }
        }
    }

    pub(super) fn down(&self, sources: &[Source]) {
        self.state().down = sources.iter().copied().collect();
    }

    /// Where was asked since the last time, and for how many ids.
    pub(super) fn loads(&self) -> Vec<(Source, usize)> {
        std::mem::take(&mut self.state().loads)
    }

    pub(super) fn hold(&self) {
        self.begun.send_replace(0);
        self.held.send_replace(true);
    }
    pub(super) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Waits until so many loads have read and are held.
    pub(super) async fn begun(&self, loads: usize) {
        let mut begun = self.begun.subscribe();
        let wait = begun.wait_for(|n| *n >= loads);
        tokio::time::timeout(super::PATIENCE, wait).await.expect("a load in time").expect("it is there");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

#[async_trait]
impl Origin for Library {
    fn kind(&self) -> &'static str {
        "contract.1"
    }

    async fn load(&self, ids: &[String], from: Source) -> Result<HashMap<String, Loaded>, LoadError> {
        let read = {
            let mut state = self.state();
            state.loads.push((from, ids.len()));
            let down = state.down.contains(&from);
            let copy = state.copies.entry(from).or_default();
            let found = ids.iter().filter_map(|id| Some((id.clone(), *copy.get(id)?)));
            if down { Err(Closed) } else { Ok(found.collect::<Vec<_>>()) }
        };
        self.begun.send_modify(|n| *n += 1);
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        let loaded = |(id, version): (String, u64)| {
            let bytes = Bytes::from(version.to_string());
            (id, Loaded { version, value: Arc::new(version), bytes })
        };
        Ok(read.map_err(|error| Arc::new(error) as LoadError)?.into_iter().map(loaded).collect())
    }

    fn decode(&self, bytes: &[u8]) -> Option<crate::cache::Value> {
        let version: u64 = std::str::from_utf8(bytes).ok()?.parse().ok()?;
        Some(Arc::new(version))
    }
}
