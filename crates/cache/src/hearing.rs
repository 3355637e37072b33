//! Whether changes are heard of.

use crate::lock::lock;
use segue_domain::Timestamp;
use std::{sync::Mutex, time::Duration};

/// While changes are not heard of, an entry is believed for so long after its origin was asked.
pub(crate) const SUSPECT_AGE: Duration = Duration::from_secs(5);
/// A replica that lags is expected to have caught up after this.
pub(crate) const LAG: Duration = Duration::from_secs(60);

/// What a region knows of its own ears. Entries carry the generation in which they were stored: one that was stored
/// before the last time that hearing began may have missed a change.
#[derive(Debug)]
pub(crate) struct Hearing(Mutex<State>);

#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    deaf: bool,
    pub(crate) generation: u64,
    /// When hearing began last.
    since: Option<Timestamp>,
}

impl Hearing {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { deaf: true, generation: 0, since: None }))
    }

    pub(crate) fn now(&self) -> State {
        *lock(&self.0)
    }

    /// True when this is news.
    pub(crate) fn lost(&self) -> bool {
        !std::mem::replace(&mut lock(&self.0).deaf, true)
    }

    pub(crate) fn begin(&self, now: Timestamp) {
        let mut state = lock(&self.0);
        *state = State { deaf: false, generation: state.generation + 1, since: Some(now) };
    }
}

impl State {
    /// True when no change of an entry can have been missed, or not for long.
    pub(crate) fn trusts(&self, generation: u64, checked: Timestamp, now: Timestamp) -> bool {
        generation == self.generation && checked >= self.oldest(now)
    }

    /// What other processes share must have been asked for at or after this moment.
    pub(crate) fn oldest(&self, now: Timestamp) -> Timestamp {
        if self.deaf { now.minus(SUSPECT_AGE) } else { Timestamp(i64::MIN) }
    }

    /// A change that was missed a moment ago may not be on the replicas yet.
    pub(crate) fn wants_primary(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now < since.plus(LAG))
    }
}
