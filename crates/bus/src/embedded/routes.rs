//! Which queues a topic leads to.

use segue_ports::bus::topic_matches;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

use super::stored::Stored;

/// Topics whose queues are remembered; they are few, but nothing enforces it.
const REMEMBERED: usize = 1024;

/// What the parts of the engine tell the dispatcher of a queue.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    fresh: AtomicBool,
    waiting: AtomicBool,
    returned: Mutex<Vec<Stored>>,
    pub(crate) changed: Notify,
}

impl Signals {
    /// Messages were published.
    pub(crate) fn published(&self) {
        self.fresh.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// A message was put back to come again later.
    pub(crate) fn postponed(&self) {
        self.waiting.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// A message was given back as it was. Bounded by what consumers hold.
    pub(crate) fn give_back(&self, stored: Stored) {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
        self.changed.notify_one();
    }

    pub(crate) fn take_published(&self) -> bool {
        self.fresh.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn take_postponed(&self) -> bool {
        self.waiting.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn take_returned(&self) -> Vec<Stored> {
        std::mem::take(&mut self.returned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A declared queue.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Its row in the file.
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) patterns: Vec<String>,
    pub(crate) signals: Arc<Signals>,
}

/// All declared queues.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    all: Vec<Route>,
    by_topic: HashMap<String, Arc<[usize]>>,
}

impl Routes {
    pub(crate) fn new(all: Vec<Route>) -> Self {
        Self { all, by_topic: HashMap::new() }
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Route> {
        self.all.iter().find(|route| route.name == name)
    }

    pub(crate) fn numbered(&self, number: i64) -> Option<&Route> {
        self.all.iter().find(|route| route.number == number)
    }

    pub(crate) fn set(&mut self, route: Route) {
        self.by_topic.clear();
        self.all.retain(|other| other.number != route.number);
        self.all.push(route);
    }

    /// Positions of the queues that the topic leads to, for [`Routes::at`].
    pub(crate) fn of(&mut self, topic: &str) -> Arc<[usize]> {
        if let Some(known) = self.by_topic.get(topic) {
            return known.clone();
        }
        if self.by_topic.len() >= REMEMBERED {
            self.by_topic.clear();
        }
        let matches = |route: &Route| route.patterns.iter().any(|p| topic_matches(p, topic));
        let found: Arc<[usize]> =
            self.all.iter().enumerate().filter(|(_, r)| matches(r)).map(|(i, _)| i).collect();
        self.by_topic.insert(topic.to_owned(), found.clone());
        found
    }

    pub(crate) fn at(&self, position: usize) -> &Route {
        &self.all[position]
    }
}
