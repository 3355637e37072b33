//! Clients that nobody here wrote, run as processes.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs one of the Python scripts.
///
/// # Panics
/// When Python does not start.
pub fn python(script: &str, args: &[&str]) -> Output {
    let python = std::env::var_os("SEGUE_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    Command::new(python).arg(folder("python").join(script)).args(args).output().expect("python runs")
}

/// Runs one of the Node scripts with a JSON job and reads its JSON report.
///
/// # Panics
/// When it fails.
pub fn node(script: &str, job: &Value) -> Value {
    let done = Command::new("node")
        .arg(folder("node").join(script))
        .arg(job.to_string())
        .output()
        .expect("node runs");
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let last = out.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|e| {
        panic!("{script}: {e}\n{out}\n{}", String::from_utf8_lossy(&done.stderr));
    })
}

/// Runs `buf` with arguments.
///
/// # Panics
/// When it does not start.
pub fn buf(args: &[&str]) -> Output {
    let modules =
        std::env::var_os("SEGUE_TEST_NODE_MODULES").expect("SEGUE_TEST_NODE_MODULES; run 'cargo xtask test'");
    Command::new(Path::new(&modules).join(".bin/buf")).args(args).output().expect("buf runs")
}
