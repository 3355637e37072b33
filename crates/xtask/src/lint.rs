//! `cargo xtask lint`: everything that can be said about the code without running it.

use crate::{check_deps, helm, install, process, progress, proto, workspace::Workspace};
use anyhow::bail;
use std::process::ExitCode;

/// Check format, clippy, documentation, dependency rules, contracts, the chart and licences.
///
/// Each check runs even when an earlier one failed; the end names those that did. The chart's tools are built where a
/// recent Go is there. `cargo deny` is not installed by itself, as it takes minutes to build: without it that check is
/// left out, and said so.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail when cargo-deny is not installed
    #[arg(long)]
    require_deny: bool,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::node::install(&workspace)?;
    let mut failed = Vec::new();
    let mut check = |name: &'static str, work: &dyn Fn() -> anyhow::Result<()>| {
        if let Err(error) = progress::step(name, work) {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    };
    let cargo = |words: &[&str]| process::run(workspace.cargo().args(words));

    check("cargo fmt", &|| cargo(&["fmt", "--all", "--check"]));
    check("check-deps", &|| check_deps::check(&workspace));
    check("buf lint", &|| proto::lint(&workspace));
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    check("cargo clippy", &|| cargo(&clippy));
    check("cargo doc", &|| {
        let mut doc = workspace.cargo();
        process::run(doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))
    });
    check("chart", &|| {
        install::python::install(&workspace)?;
        let tools = install::go::install(&workspace)?;
        tools.map_or(Ok(()), |tools| helm::check_manifests(&workspace, &tools))
    });
    check("cargo deny", &|| {
        if process::first_line("cargo-deny", &["--version"]).is_some() {
            return cargo(&["deny", "check", "licenses", "bans", "sources"]);
        }
        let how = "cargo-deny is not installed; run: cargo install cargo-deny --locked";
        if args.require_deny {
            bail!("{how}");
        }
        eprintln!("left out: {how}");
        Ok(())
    });

    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("failed: {}", failed.join(", "))
}
