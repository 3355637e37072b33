//! Named points at which a test build kills itself, so that tests can show that nothing is lost there.

/// Kills the process as `kill -9` would when the configuration of a test build names this point.
#[cfg(feature = "crashpoints")]
pub(crate) fn point(name: &'static str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };
    /// The point, and how many times it is passed before it kills.
    static NAMED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let named = NAMED.get_or_init(crate::config::crash_point);
    if let Some((point, nth)) = named
        && point == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 >= *nth
    {
        eprintln!("crash point {name}");
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::thread::park();
    }
}

/// Does nothing in a build for users.
#[cfg(not(feature = "crashpoints"))]
pub(crate) fn point(_name: &'static str) {}
