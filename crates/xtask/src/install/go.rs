//! Tools that are had by `go install` at a version, under target/xtask/go. Only for checks that may be left out: Debian's
//! own Go is too old for them, and their first build takes minutes.

use super::stamp;
use crate::{process, progress, workspace::Workspace};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Oldest Go that builds all of them, without fetching another Go.
const OLDEST: (u32, u32) = (1, 26);

/// A program and the package that it is built of.
const TOOLS: [(&str, &str); 2] = [
    ("helm", "helm.sh/helm/v3/cmd/helm@v3.22.0"),
    ("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"),
];

/// Their folder, if they were installed.
pub(crate) fn installed(workspace: &Workspace) -> Option<PathBuf> {
    let folder = folder(workspace);
    let all_there = TOOLS.iter().all(|(program, _)| folder.join(program).exists());
    (all_there && stamp::is_current(&folder.join("installed"), &pins())).then_some(folder)
}

/// Installs them unless they are there; none where no Go is new enough, which is said.
///
/// # Errors
/// When they cannot be fetched or built.
pub(crate) fn install(workspace: &Workspace) -> anyhow::Result<Option<PathBuf>> {
    if let Some(folder) = installed(workspace) {
        return Ok(Some(folder));
    }
    if process::first_line("go", &["version"]).and_then(|line| version(&line)) < Some(OLDEST) {
        let (major, minor) = OLDEST;
        eprintln!(
            "left out: helm and kubeconform are built with Go {major}.{minor} or newer, which is not here"
        );
        return Ok(None);
    }
    let folder = folder(workspace);
    progress::step("go install helm kubeconform (minutes, once)", || {
        fs::create_dir_all(&folder)?;
        for (_, package) in TOOLS {
            process::quiet(&mut go_install(&folder, package))?;
        }
        stamp::write(&folder.join("installed"), &pins())
    })?;
    Ok(Some(folder))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.tools().join("go")
}

fn go_install(folder: &Path, package: &str) -> Command {
    let mut command = Command::new("go");
    command.args(["install", "-trimpath", package]).current_dir(folder);
    command.env("GOBIN", folder).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
    command
}

fn pins() -> String {
    TOOLS.map(|(_, package)| package).join("\n")
}

/// Of `go version go1.26.8 linux/amd64`.
fn version(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.split_whitespace().nth(2)?.strip_prefix("go")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_gos_version() {
        assert_eq!(version("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(version("go version devel"), None);
        assert!(version("go version go1.19.8 linux/amd64") < Some(OLDEST));
    }
}
