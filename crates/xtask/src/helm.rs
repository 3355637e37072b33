//! `cargo xtask helm`: whether the chart makes what Kubernetes and Segue accept.

mod chart;
mod schemas;
mod settings;

use crate::{install, process, progress, test, workspace::Workspace};
use chart::Chart;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Check helm/segue: lint, schemas of Kubernetes, and every setting against `segue config print`.
///
/// Helm and kubeconform are built by `go install` where a recent Go is there, which takes minutes the first time;
/// without one the checks are left out, and said so. Schemas of the oldest and the newest Kubernetes that the chart is
/// for come from PyPI. `cargo xtask test` runs the same once the tools are there.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the settings, which need the program, and do not build it
    #[arg(long)]
    manifests: bool,
    /// Ask this program about the settings, and do not build one
    #[arg(long, value_name = "SEGUE", conflicts_with = "manifests")]
    program: Option<PathBuf>,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let Some(tools) = install::go::install(&workspace)? else { return Ok(ExitCode::SUCCESS) };
    if args.manifests {
        check_manifests(&workspace, &tools)?;
    } else if let Some(program) = &args.program {
        check(&workspace, &tools, program)?;
    } else {
        process::run(workspace.cargo().arg("build").args(test::SELECTION).args(["--bin", "segue"]))?;
        check(&workspace, &tools, &workspace.target_directory.join("debug/segue"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All checks, with the program that the chart starts.
///
/// # Errors
/// At the first that fails: the error holds the tool's words.
pub(crate) fn check(workspace: &Workspace, tools: &Path, segue: &Path) -> anyhow::Result<()> {
    check_manifests(workspace, tools)?;
    let chart = Chart::new(workspace, tools);
    progress::step("settings of the chart", || settings::check(&chart, segue, &workspace.python()))
}

/// Those that need no program.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_manifests(workspace: &Workspace, tools: &Path) -> anyhow::Result<()> {
    let chart = Chart::new(workspace, tools);
    let kubeconform = tools.join("kubeconform");
    for kubernetes in schemas::VERSIONS {
        let schemas: PathBuf = schemas::prepare(workspace, kubernetes)?;
        for values in chart.values()? {
            let name = values.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            progress::step(&format!("chart for Kubernetes {kubernetes}, values {name}"), || {
                chart.lint(kubernetes, &values)?;
                let manifests = chart.render(kubernetes, &values, &[])?;
                schemas::validate(&kubeconform, &schemas, &manifests)
            })?;
        }
    }
    Ok(())
}
