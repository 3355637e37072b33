//! The newest versions that were heard of lately. What is older is not stored.

use crate::{hearing::LAG, lock::lock};
use segue_domain::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
};

/// Floors of a region.
#[derive(Debug)]
pub(crate) struct Floors {
    held: Mutex<Held>,
    most: usize,
}

#[derive(Debug, Default)]
struct Held {
    by_id: HashMap<Box<str>, Floor>,
    /// Every id once, with the end of its floor when it was queued, earliest first.
    order: VecDeque<(Timestamp, Box<str>)>,
    /// Floors that could not be kept, counted.
    lost: u64,
    /// Until when one that could not be kept would have held.
    lost_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Floor {
    version: u64,
    until: Timestamp,
}

/// What floors say before a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// The least version that is not known to be replaced.
    pub(crate) version: u64,
    /// There was an invalidation lately: only the primary surely has it.
    pub(crate) primary: bool,
    lost: u64,
}

impl Floors {
    /// Keeps `most` floors; when there are more invalidations than that within a minute, it becomes careful about all
    /// ids instead of those that it knows.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Mutex::default(), most }
    }

    /// Raises a floor. `remove` drops what is stored below it, at once with respect to [`Floors::admit`].
    pub(crate) fn raise(&self, id: &str, version: u64, now: Timestamp, remove: impl FnOnce()) {
        let mut held = lock(&self.held);
        held.forget(now);
        let until = now.plus(LAG);
        let full = held.by_id.len() >= self.most;
        match held.by_id.get_mut(id) {
            // Said before.
            Some(floor) if floor.version >= version => return,
            Some(floor) => *floor = Floor { version, until },
            None if !full => {
                held.by_id.insert(id.into(), Floor { version, until });
                held.order.push_back((until, id.into()));
            }
            None => {
                held.lost += 1;
                held.lost_until = Some(until);
            }
        }
        remove();
    }

    /// To be asked before a load begins.
    pub(crate) fn before(&self, id: &str, now: Timestamp) -> Before {
        let held = lock(&self.held);
        let floor = held.by_id.get(id).filter(|floor| now < floor.until);
        let careful = held.lost_until.is_some_and(|until| now < until);
        Before {
            version: floor.map_or(0, |f| f.version),
            primary: floor.is_some() || careful,
            lost: held.lost,
        }
    }

    /// Runs `store` if this version may be stored by a load that began at `before`; says whether it did.
    pub(crate) fn admit(
        &self,
        id: &str,
        version: u64,
        before: &Before,
        now: Timestamp,
        store: impl FnOnce(),
    ) -> bool {
        let held = lock(&self.held);
        let floor = held.by_id.get(id).filter(|floor| now < floor.until).map_or(0, |floor| floor.version);
        // The lost floor may have been this one's.
        let admitted = version >= floor && before.lost == held.lost;
        if admitted {
            store();
        }
        admitted
    }
}

impl Held {
    fn forget(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, id)) = self.order.pop_front() else { return };
            match self.by_id.get(&id) {
                // Raised again since it was queued.
                Some(floor) if now < floor.until => self.order.push_back((floor.until, id)),
                _ => drop(self.by_id.remove(&id)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn admits(floors: &Floors, id: &str, version: u64, before: &Before, now: Timestamp) -> bool {
        let stored = Cell::new(false);
        let admitted = floors.admit(id, version, before, now, || stored.set(true));
        assert_eq!(admitted, stored.get());
        admitted
    }

    #[test]
    fn what_is_below_a_floor_is_not_stored_for_a_minute() {
        let floors = Floors::new(10);
        let before = floors.before("a", NOW);
        assert!(!before.primary);
        floors.raise("a", 5, NOW, || ());
        floors.raise("a", 3, NOW, || panic!("a late arrival changes nothing"));
        assert!(!admits(&floors, "a", 4, &before, NOW));
        assert!(admits(&floors, "a", 5, &before, NOW));
        assert!(admits(&floors, "b", 1, &before, NOW));
        let now = floors.before("a", NOW);
        assert_eq!((now.version, now.primary), (5, true));
        let later = NOW.plus(LAG);
        assert!(!floors.before("a", later).primary);
        assert!(admits(&floors, "a", 4, &before, later));
    }

    #[test]
    fn too_many_floors_make_it_careful_about_everything() {
        let floors = Floors::new(2);
        let before = floors.before("c", NOW);
        for id in ["a", "b", "c"] {
            floors.raise(id, 2, NOW, || ());
        }
        assert!(!admits(&floors, "c", 1, &before, NOW), "its floor was lost");
        assert!(!admits(&floors, "d", 1, &before, NOW), "it may have been this one's");
        let after = floors.before("d", NOW);
        assert!(after.primary);
        assert!(admits(&floors, "d", 1, &after, NOW));
        let later = NOW.plus(LAG);
        assert!(!floors.before("d", later).primary);
        floors.raise("e", 2, later, || ());
        assert_eq!(lock(&floors.held).by_id.len(), 1, "old ones are forgotten");
        assert_eq!(lock(&floors.held).order.len(), 1);
    }
}
