//! Whole-system tests: the real binary as a process of its own, driven by its command line, its SDK, and by
//! clients that nobody here wrote.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "tests are told by the environment what to run")]

pub mod cli;
pub mod fault_list;
pub mod fault_proxy;
pub mod finding;
pub mod foreign;
pub mod hls;
pub mod mesh;
pub mod music;
pub mod otlp;
pub mod solo;
pub mod up;
pub mod watched;
pub mod workload;
pub mod world;

use std::path::PathBuf;

/// The binary under test: `SEGUE_BIN`, else the one that cargo built beside this test.
///
/// # Panics
/// When there is none.
pub fn binary() -> PathBuf {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("segue"));
    let path = std::env::var_os("SEGUE_BIN").map(PathBuf::from).or_else(beside).expect("a path");
    assert!(
        path.exists(),
        "{} is not there; run 'cargo build -p segue --features crashpoints'",
        path.display()
    );
    path
}
