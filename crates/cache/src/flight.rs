//! Loads under way: one per id, however many wait for it.

use crate::{entry::Entry, lock::lock};
use segue_ports::cache::LoadError;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// How a load ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Found {
        entry: Arc<Entry>,
        /// The primary said so: there is nothing newer.
        latest: bool,
    },
    Failed {
        error: LoadError,
        /// What another process had stored, past its life.
        stale: Option<Arc<Entry>>,
    },
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Flight {
    /// Grows with each; tells a caller whether it began after the caller asked.
    pub(crate) number: u64,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flight {
    /// Waits for the end. Cancel-safe, and the load goes on without the waiter.
    pub(crate) async fn ended(&self) -> Outcome {
        let mut outcome = self.outcome.subscribe();
        let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        // The sender lives in this very flight.
        ended.unwrap_or_else(abandoned)
    }
}

/// Loads under way of one region.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<Box<str>, Arc<Flight>>>,
    numbers: AtomicU64,
}

impl Flights {
    /// A number that every flight which begins from now on has at least.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.load(Ordering::SeqCst)
    }

    /// A flight for each id, in their order; and those that this caller has to carry out.
    pub(crate) fn board(self: &Arc<Self>, ids: &[String]) -> (Vec<Arc<Flight>>, Led) {
        let mut led = Led { flights: self.clone(), open: HashMap::new() };
        let mut under_way = lock(&self.under_way);
        let mut board = |id: &String| {
            if let Some(flight) = under_way.get(id.as_str()) {
                return flight.clone();
            }
            let flight = self.begin();
            under_way.insert(id.as_str().into(), flight.clone());
            led.open.insert(id.clone(), flight.clone());
            flight
        };
        let flights = ids.iter().map(&mut board).collect();
        drop(under_way);
        (flights, led)
    }

    /// A flight that nobody else boards.
    pub(crate) fn alone(self: &Arc<Self>, id: &str) -> (Arc<Flight>, Led) {
        let flight = self.begin();
        let open = HashMap::from([(id.to_owned(), flight.clone())]);
        (flight, Led { flights: self.clone(), open })
    }

    fn begin(&self) -> Arc<Flight> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        Arc::new(Flight { number, outcome: watch::Sender::new(None) })
    }
}

/// Flights that one task carries out. Those that it leaves open, by a panic or the end of the runtime, fail.
#[derive(Debug)]
pub(crate) struct Led {
    flights: Arc<Flights>,
    open: HashMap<String, Arc<Flight>>,
}

impl Led {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.open.keys().cloned()
    }

    /// Ends a flight: whoever asks from now on begins another.
    pub(crate) fn land(&mut self, id: &str, outcome: Outcome) {
        if let Some(flight) = self.open.remove(id) {
            let mut under_way = lock(&self.flights.under_way);
            if under_way.get(id).is_some_and(|boarded| Arc::ptr_eq(boarded, &flight)) {
                under_way.remove(id);
            }
            drop(under_way);
            flight.outcome.send_replace(Some(outcome));
        }
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        for id in self.open.keys().cloned().collect::<Vec<_>>() {
            self.land(&id, abandoned());
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the load was given up")]
struct Abandoned;

fn abandoned() -> Outcome {
    Outcome::Failed { error: Arc::new(Abandoned), stale: None }
}
