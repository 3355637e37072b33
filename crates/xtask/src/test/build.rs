//! One build of everything that tests run.

use crate::workspace::Workspace;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
};

/// What is built, and with which features: the same words for every cargo command, so that each finds what the
/// other built.
pub(crate) const SELECTION: [&str; 3] = ["--workspace", "--features", "segue/crashpoints"];

/// What the build left.
pub(super) struct Built {
    /// The program under test, with crash points.
    pub(super) segue: PathBuf,
    /// In the order in which they should run: quick ones first.
    pub(super) programs: Vec<Program>,
}

/// One test program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) package: String,
    /// The target: the library, or a file in tests/.
    pub(super) target: String,
    pub(super) folder: PathBuf,
    pub(super) executable: PathBuf,
}

impl Program {
    pub(super) fn name(&self) -> String {
        let unit = self.target.replace('_', "-") == self.package;
        if unit { self.package.clone() } else { format!("{} {}", self.package, self.target) }
    }
}

/// A line that cargo prints; only those of built programs have all of these.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    package_id: String,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The only example that tests start: the encoder's child process. The others are for `cargo xtask bench`, and lint.
const WORKER: &str = "worker";

/// Builds all that tests need together, so that features are resolved once.
///
/// # Errors
/// When something does not compile; cargo has printed what.
pub(super) fn everything(workspace: &Workspace) -> anyhow::Result<Built> {
    let mut command = workspace.cargo();
    command.args(["build", "--bins", "--tests", "--example", WORKER]);
    command.arg("--message-format=json-render-diagnostics").args(SELECTION);
    let mut cargo =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cargo does not start")?;
    let output = cargo.stdout.take().context("cargo's output is piped")?;
    let mut lines = Vec::new();
    for line in BufReader::new(output).lines() {
        lines.push(line?);
    }
    let status = cargo.wait()?;
    if !status.success() {
        bail!("the workspace does not compile");
    }
    artifacts(workspace, &lines)
}

fn artifacts(workspace: &Workspace, lines: &[String]) -> anyhow::Result<Built> {
    let mut segue = None;
    let mut programs = Vec::new();
    for line in lines {
        let Ok(message) = serde_json::from_str::<Message>(line) else { continue };
        let Message {
            package_id,
            target: Some(target),
            profile: Some(profile),
            executable: Some(executable),
        } = message
        else {
            continue;
        };
        let Some(package) = workspace.packages.iter().find(|package| package.id == package_id) else {
            continue;
        };
        let runnable = target.kind.iter().any(|kind| ["lib", "bin", "test"].contains(&kind.as_str()));
        if profile.test && runnable {
            let folder = package.manifest_path.parent().context("a manifest lies in a folder")?.to_owned();
            programs.push(Program { package: package.name.clone(), target: target.name, folder, executable });
        } else if !profile.test && target.name == "segue" && target.kind == ["bin"] {
            segue = Some(executable);
        }
    }
    // The whole-system tests last: when a part is broken, its own test says so first. Those with a browser after all others:
    // they play in real time.
    programs.sort_by_key(|program| {
        (program.package == super::WHOLE_SYSTEM, program.target == "journey", program.name())
    });
    let segue = segue.context("the build made no program called segue")?;
    Ok(Built { segue, programs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    #[test]
    fn finds_the_binary_and_the_test_programs_and_runs_the_whole_system_last() {
        let package = |name: &str| Package {
            name: name.into(),
            id: format!("path#{name}"),
            manifest_path: PathBuf::from(format!("/r/{name}/Cargo.toml")),
            dependencies: Vec::new(),
            default_run: None,
        };
        let workspace = Workspace {
            workspace_root: "/r".into(),
            target_directory: "/r/target".into(),
            packages: ["segue-e2e", "segue-store", "segue"].map(package).into(),
        };
        let artifact = |package: &str, target: &str, kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"path#{package}","target":{{"name":"{target}","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":"/x/{target}"}}"#
            )
        };
        let lines = [
            r#"{"reason":"build-script-executed","package_id":"path#ring"}"#.to_owned(),
            artifact("segue-e2e", "journey", "test", true),
            artifact("segue-store", "segue_store", "lib", true),
            artifact("segue-store", "outbox", "test", true),
            artifact("segue", "segue", "bin", false),
            artifact("segue", "demo", "example", true),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let built = artifacts(&workspace, &lines).expect("it can be read");
        assert_eq!(built.segue, PathBuf::from("/x/segue"));
        let names: Vec<_> = built.programs.iter().map(Program::name).collect();
        assert_eq!(names, ["segue-store", "segue-store outbox", "segue-e2e journey"]);
        assert_eq!(built.programs[0].folder, PathBuf::from("/r/segue-store"));
    }
}
