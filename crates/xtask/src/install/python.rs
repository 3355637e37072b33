//! PyPI's packages, in a virtual environment under target/xtask/venv.

use super::stamp;
use crate::{process, progress, workspace::Workspace};
use anyhow::{Context, bail};
use std::{fs, process::Command};

const PINS: &str = include_str!("../../tools/requirements.txt");

/// Installs the pinned packages unless they are there.
///
/// # Errors
/// Without Python 3 and its venv module, or when pip fails.
pub(crate) fn install(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.tools().join("venv");
    let stamp = folder.join("installed");
    if stamp::is_current(&stamp, PINS) && workspace.python().exists() {
        return Ok(());
    }
    let Some(version) = process::first_line("python3", &["--version"]) else {
        bail!(
            "Python 3 is needed to test with foreign clients; install it so that 'python3 --version' works"
        );
    };
    progress::step(&format!("pip install ({version})"), || {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        process::quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("Python's venv module is needed (Debian: python3-venv)")?;
        let pins = folder.join("requirements.txt");
        fs::write(&pins, PINS)?;
        let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
        process::quiet(Command::new(workspace.python()).args(args).arg("--requirement").arg(&pins))?;
        stamp::write(&stamp, PINS)
    })
}
