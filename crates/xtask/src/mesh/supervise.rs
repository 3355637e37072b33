//! Starts again what died.

use crate::engines::{Condition, state};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(100);
/// How long something stays dead.
const PAUSE: Duration = Duration::from_secs(1);

/// Until told to stop. A process that is frozen lives, and is left alone.
pub(super) fn until(stop: &AtomicBool, path: &Path) {
    let mut died: BTreeMap<String, Instant> = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        thread::sleep(LOOK);
        let Ok(Some(state)) = state::load(path) else { continue };
        for server in &state.servers {
            if server.condition(&state.folder) != Condition::Dead {
                died.remove(&server.name);
                continue;
            }
            let since = died.entry(server.name.clone()).or_insert_with(Instant::now);
            if since.elapsed() < PAUSE || stop.load(Ordering::SeqCst) {
                continue;
            }
            died.remove(&server.name);
            eprintln!("== {} died; starting it again", server.name);
            if let Err(error) = again(path, &server.name) {
                eprintln!("warning: {}: {error:#}", server.name);
            }
        }
    }
}

fn again(path: &Path, name: &str) -> anyhow::Result<()> {
    let _lock = state::lock(path)?;
    let Some(mut state) = state::load(path)? else { return Ok(()) };
    let folder = state.folder.clone();
    state.server(name)?.start(&folder)?;
    state.save(path)
}
