//! A message in the hands of one consumer.

use super::{routes::Signals, stored::Stored};
use std::sync::Arc;

/// Gives the message back when it is dropped, unless it was [settled](Lease::settled).
#[derive(Debug)]
pub(crate) struct Lease {
    stored: Option<Stored>,
    signals: Arc<Signals>,
}

impl Lease {
    /// A lease of a message whose delivery was counted.
    pub(crate) fn new(stored: Stored, signals: Arc<Signals>) -> Self {
        Self { stored: Some(stored), signals }
    }

    /// A consumer sees it: should it be given back, the next delivery counts anew.
    pub(crate) fn seen(&mut self) {
        if let Some(stored) = &mut self.stored {
            stored.counted = false;
        }
    }

    pub(crate) fn stored(&self) -> &Stored {
        self.stored.as_ref().expect("only `settled` empties a lease, and consumes it")
    }

    /// The file says what becomes of the message.
    pub(crate) fn settled(mut self) {
        self.stored = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(stored) = self.stored.take() {
            self.signals.give_back(stored);
        }
    }
}
