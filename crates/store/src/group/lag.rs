//! How far a replica is behind, in time.
//!
//! The clock of the primary is not asked, nor the time of the last transaction that a replica applied: with no traffic
//! that time stands still, and a replica that is cut off would look like one that has nothing to do. Instead the
//! primary's position is noted at each look, and a replica lags by the age of the first note that it has not reached.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Notes that are kept: two minutes at the usual pace. What is behind all of them lags by at least that.
const MOST: usize = 120;

/// Positions of one primary over time.
#[derive(Debug, Default)]
pub(super) struct History {
    notes: VecDeque<(Instant, i64)>,
}

impl History {
    /// Begins anew: another primary counts on from another position.
    pub(super) fn clear(&mut self) {
        self.notes.clear();
    }

    /// The primary had come to `position` at `at`.
    pub(super) fn note(&mut self, at: Instant, position: i64) {
        if self.notes.back().is_some_and(|(_, last)| *last == position) {
            return;
        }
        if self.notes.len() == MOST {
            self.notes.pop_front();
        }
        self.notes.push_back((at, position));
    }

    /// For how long a server that has come to `position` has been behind at `now`. Zero when it has everything that the
    /// primary was ever seen to have.
    pub(super) fn lag(&self, now: Instant, position: i64) -> Duration {
        let missed = self.notes.iter().find(|(_, reached)| *reached > position);
        missed.map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn lag_is_the_age_of_the_first_position_not_reached() {
        let start = Instant::now();
        let mut history = History::default();
        for n in 0..4 {
            history.note(start + SECOND * n, i64::from(n) * 100);
        }
        let now = start + SECOND * 5;
        assert_eq!(history.lag(now, 300), Duration::ZERO);
        assert_eq!(history.lag(now, 299), SECOND * 2);
        assert_eq!(history.lag(now, 100), SECOND * 3);
    }

    #[test]
    fn a_primary_that_rests_or_is_dead_makes_nobody_lag() {
        let start = Instant::now();
        let mut history = History::default();
        history.note(start, 100);
        history.note(start + SECOND, 100);
        assert_eq!(history.lag(start + SECOND * 60, 100), Duration::ZERO);
        assert_eq!(history.lag(start + SECOND * 60, 99), SECOND * 60);
    }

    #[test]
    fn memory_is_bounded_and_what_is_behind_all_of_it_lags_by_its_length() {
        let start = Instant::now();
        let mut history = History::default();
        for n in 0..1000 {
            history.note(start + SECOND * n, i64::from(n));
        }
        assert_eq!(history.notes.len(), MOST);
        assert_eq!(history.lag(start + SECOND * 1000, 0), SECOND * 120);
    }
}
