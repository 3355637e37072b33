//! Whether this process takes work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Off until everything is up, and off again as soon as shutdown begins. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(Arc<AtomicBool>);

impl Ready {
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
