//! Fetching ahead: when a segment is asked for, the next one is on its way.

use crate::{
    error::FillError,
    lock::lock,
    lru::Lru,
    node::{Found, Node},
    path::{Key, Name},
};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// How many track ends are remembered.
const MAX_ENDS: usize = 4096;

/// What limits fetching ahead.
#[derive(Debug)]
pub(crate) struct Ahead {
    slots: Arc<Semaphore>,
    /// Segments that do not exist although the one before does: an output never grows, so the origin is not
    /// asked for what lies behind the end each time a song ends.
    ends: Mutex<Lru<Key, ()>>,
}

impl Ahead {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
            ends: Mutex::new(Lru::new()),
        }
    }
}

/// Begins to fetch what a player will ask for next, if it is not here and a slot is free. Never waits.
pub(crate) fn after(node: &Arc<Node>, key: &Key) {
    let Some(next) = next(key.name).map(|name| key.sibling(name)) else { return };
    if node.has(&next) || lock(&node.ahead.ends).peek(&next).is_some() {
        return;
    }
    let Ok(slot) = node.ahead.slots.clone().try_acquire_owned() else { return };
    let Ok(Found::Coming { reader, began: true }) = node.fetch(next) else { return };
    node.meter.prefetches.increment(1);
    let node = node.clone();
    tokio::spawn(async move {
        let _slot = slot;
        if let Err(FillError::NotFound) = reader.finished().await {
            let mut ends = lock(&node.ahead.ends);
            ends.insert(next, ());
            while ends.len() > MAX_ENDS {
                ends.pop_oldest();
            }
        }
    });
}

fn next(name: Name) -> Option<Name> {
    match name {
        Name::Playlist(rung) => Some(Name::Init(rung)),
        Name::Init(rung) => Some(Name::Segment(rung, 1)),
        Name::Segment(rung, n) if n < 99_999 => Some(Name::Segment(rung, n + 1)),
        _ => None,
    }
}
