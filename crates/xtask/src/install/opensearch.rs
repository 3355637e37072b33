//! OpenSearch from Maven Central, under target/xtask/opensearch, and the class that starts a node.

use super::{java, stamp};
use crate::{process, progress, workspace::Workspace};
use anyhow::Context;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const POM: &str = include_str!("../../opensearch/pom.xml");
const LAUNCHER: &str = include_str!("../../opensearch/SearchNode.java");

/// Where it was installed.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self(workspace.tools().join("opensearch"))
    }

    /// The Java that it was compiled with.
    ///
    /// # Errors
    /// When it is not installed.
    pub(crate) fn java(&self) -> anyhow::Result<PathBuf> {
        let link = self.0.join("java");
        fs::read_to_string(link).map(PathBuf::from).context("OpenSearch is missing; run: cargo xtask install")
    }

    /// For Java's `-cp`.
    pub(crate) fn class_path(&self) -> String {
        format!("{0}/classes:{0}/lib/*", self.0.display())
    }
}

/// Installs it unless it is there.
///
/// # Errors
/// When Maven cannot fetch it, or no Java is new enough.
pub(super) fn install(workspace: &Workspace) -> anyhow::Result<()> {
    let home = Home::of(workspace);
    let pins = format!("{POM}{LAUNCHER}");
    let stamp = home.0.join("installed");
    if stamp::is_current(&stamp, &pins) && home.java().is_ok_and(|java| runs(&java)) {
        return Ok(());
    }
    let java = java::find_or_install(workspace)?;
    progress::step("mvn package (OpenSearch)", || {
        if home.0.exists() {
            fs::remove_dir_all(&home.0).with_context(|| format!("cannot empty {}", home.0.display()))?;
        }
        fs::create_dir_all(&home.0)?;
        fs::write(home.0.join("pom.xml"), POM)?;
        fs::write(home.0.join("SearchNode.java"), LAUNCHER)?;
        process::quiet(
            Command::new("mvn").args(["--quiet", "--batch-mode", "package"]).current_dir(&home.0),
        )?;
        compile(&home.0, &java)?;
        fs::write(home.0.join("java"), java.display().to_string())?;
        stamp::write(&stamp, &pins)
    })
}

fn runs(java: &Path) -> bool {
    process::first_line(&java.display().to_string(), &["--version"]).is_some()
}

/// With the compiler that came along, which runs on a JRE; it takes no wildcard in its class path.
fn compile(home: &Path, java: &Path) -> anyhow::Result<()> {
    let compiler = jars(&home.join("compiler"))?;
    let class_path = jars(&home.join("lib"))?;
    let mut command = Command::new(java);
    command.args(["-jar", &compiler, "-21", "-d", "classes", "-cp", &class_path, "SearchNode.java"]);
    process::quiet(command.current_dir(home)).map(|_| ())
}

fn jars(folder: &Path) -> anyhow::Result<String> {
    let entries = fs::read_dir(folder).with_context(|| format!("Maven left no {}", folder.display()))?;
    let mut paths: Vec<String> = entries.flatten().map(|entry| entry.path().display().to_string()).collect();
    paths.sort();
    Ok(paths.join(":"))
}
