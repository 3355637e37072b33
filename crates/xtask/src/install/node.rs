//! npm's packages, under target/xtask/node.
//!
//! Node resolves bare imports of an ES module by the script's own folder and ignores `NODE_PATH`; scripts get the
//! folder as `SEGUE_TEST_NODE_MODULES` and use `createRequire`. So no file is written among the sources.

use super::stamp;
use crate::{process, progress, workspace::Workspace};
use anyhow::{Context, bail};
use std::{fs, process::Command};

const PINS: &str = include_str!("../../tools/package.json");

/// Oldest Node that playwright-core runs on.
const OLDEST_NODE: u32 = 20;

/// Installs the pinned packages unless they are there.
///
/// # Errors
/// Without Node and npm, or when npm fails.
pub(crate) fn install(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.tools().join("node");
    let stamp = folder.join("installed");
    if stamp::is_current(&stamp, PINS) && workspace.node_modules().join(".bin/buf").exists() {
        return Ok(());
    }
    let version = process::first_line("node", &["--version"]);
    let Some(version) = version.filter(|version| major(version) >= Some(OLDEST_NODE)) else {
        bail!(
            "Node {OLDEST_NODE} or newer with npm is needed to lint the contracts and to test in a browser; install it so that 'node --version' works"
        );
    };
    progress::step(&format!("npm install (Node {version})"), || {
        // From empty: a half-finished or older tree must not show through.
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), PINS)?;
        let args =
            ["install", "--no-audit", "--no-fund", "--no-progress", "--no-package-lock", "--loglevel=error"];
        process::quiet(Command::new("npm").args(args).current_dir(&folder))?;
        stamp::write(&stamp, PINS)
    })
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_nodes_version() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("nonsense"), None);
    }

    #[test]
    fn every_package_is_pinned_to_one_version() {
        let pins: serde_json::Value = serde_json::from_str(PINS).expect("it is JSON");
        for (name, version) in pins["dependencies"].as_object().expect("there are some") {
            let version = version.as_str().expect("a version");
            assert!(version.chars().all(|c| c.is_ascii_digit() || c == '.'), "{name} is at {version}");
        }
    }
}
