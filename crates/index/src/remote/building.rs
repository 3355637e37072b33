//! Whether there is a second index to write to.

use super::{
    door::Door,
    layout::{Meta, Names, behind},
};
use segue_domain::{Clock, SystemClock};
use segue_ports::index::IndexError;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long what was seen is believed.
const BELIEVED: Duration = Duration::from_secs(1);
/// How long a rebuild waits until everybody has seen its index: longer than anybody believes the contrary.
pub(super) const SEEN_BY_ALL: Duration = Duration::from_millis(1_500);
/// A rebuild whose holder has not said anything for so long is dead. Much longer than the gap that its holder
/// allows itself, for clocks differ.
pub(super) const LEASE: Duration = Duration::from_secs(90);

/// What was seen last.
#[derive(Debug)]
pub(super) struct Building {
    names: Names,
    seen: Mutex<Option<(Instant, State)>>,
}

/// What there is to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// One index.
    Nothing,
    /// Two.
    Building,
}

impl Building {
    pub(super) fn new(names: Names) -> Self {
        Self { names, seen: Mutex::new(None) }
    }

    /// What there is, as it was at most a second before the call.
    pub(super) async fn state(&self, door: &Door) -> Result<State, IndexError> {
        let begin = Instant::now();
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, state)) = seen
            && begin.duration_since(at) < BELIEVED
        {
            return Ok(state);
        }
        let alive = behind(door, &self.names.building).await?.iter().any(|(_, meta)| is_alive(meta));
        let state = if alive { State::Building } else { State::Nothing };
        // As of the moment before it was asked, not after.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((begin, state));
        Ok(state)
    }

    /// Looks again before the next batch.
    pub(super) fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Somebody still fills it.
pub(super) fn is_alive(meta: &Meta) -> bool {
    SystemClock.now().since(meta.renewed) < LEASE
}
