//! `cargo xtask check-deps`: the rules of the layout that the compiler does not know.

mod direction;
mod source;

use crate::workspace::{Package, Workspace};
use anyhow::{Context, bail};
use std::{fmt, fs, path::Path, process::ExitCode};
use walkdir::WalkDir;

/// Check which crate may depend on which, and the rules for source files.
///
/// Dependencies point one way: domain <- ports, store, mesh <- roles <- segue. No role imports another role or an
/// engine. Source files: only the configuration loader reads the environment; only the mesh builds a tonic::Status;
/// no mod.rs; no file over 500 lines; no unsafe code outside media and index. Each violation is one line: file, rule.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also list the files that grow too long (over 350 lines)
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    warn: bool,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// Relative to the root, with a line when there is one.
    place: String,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    if args.warn {
        for (place, lines) in long_files(&workspace)? {
            eprintln!("warning: {place}: {lines} lines; think about splitting it by responsibility");
        }
    }
    check(&workspace)?;
    println!("{} crates follow the rules", workspace.packages.len());
    Ok(ExitCode::SUCCESS)
}

/// Checks everything and prints each violation.
///
/// # Errors
/// When there is one.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut violations = direction::violations(&workspace.workspace_root, &workspace.packages);
    for (package, place, text) in sources(workspace)? {
        violations.extend(source::violations(&package, &place, &text));
    }
    violations.extend(default_run(&workspace.packages));
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("one rule of the layout is broken"),
        n => bail!("{n} rules of the layout are broken"),
    }
}

/// `cargo run --release -- up` is the first thing that anybody types; it must know what to run.
fn default_run(packages: &[Package]) -> Option<Violation> {
    let named: Vec<_> = packages.iter().filter_map(|package| package.default_run.as_deref()).collect();
    let rule = "one crate names a default-run, and that is segue: else `cargo run` does not know what to run";
    (named != ["segue"]).then(|| Violation { place: "Cargo.toml".into(), rule: rule.into() })
}

fn long_files(workspace: &Workspace) -> anyhow::Result<Vec<(String, usize)>> {
    let mut long: Vec<_> = sources(workspace)?
        .into_iter()
        .map(|(_, place, text)| (place, text.lines().count()))
        .filter(|(place, lines)| place.contains("/src/") && *lines > source::LONG)
        .collect();
    long.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    Ok(long)
}

/// Every Rust file of every crate: the crate's name, the path relative to the root, the text.
pub(crate) fn sources(workspace: &Workspace) -> anyhow::Result<Vec<(String, String, String)>> {
    let mut all = Vec::new();
    for package in &workspace.packages {
        let folder = folder(package)?;
        // A crate inside another's folder is its own.
        let entries = WalkDir::new(folder).into_iter().filter_entry(|entry| {
            let name = entry.file_name();
            name != "target"
                && name != "node_modules"
                && (entry.depth() == 0 || !entry.path().join("Cargo.toml").exists())
        });
        for entry in entries {
            let entry = entry?;
            if entry.file_type().is_file()
                && entry.path().extension().is_some_and(|extension| extension == "rs")
            {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()))?;
                all.push((package.name.clone(), relative(&workspace.workspace_root, entry.path()), text));
            }
        }
    }
    Ok(all)
}

fn folder(package: &Package) -> anyhow::Result<&Path> {
    package.manifest_path.parent().context("a manifest lies in a folder")
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_follows_the_rules_of_direction() {
        let workspace = Workspace::load().expect("cargo metadata works");
        assert_eq!(direction::violations(&workspace.workspace_root, &workspace.packages), []);
    }
}
