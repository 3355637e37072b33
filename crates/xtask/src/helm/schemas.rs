//! Schemas of Kubernetes' objects, made fit for kubeconform.

use crate::{process, workspace::Workspace};
use anyhow::{Context, bail};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The oldest that the chart is for, and the newest of which there are schemas.
pub(super) const VERSIONS: [&str; 2] = ["1.27.0", "1.37.0"];

/// The package's files refer to their common one by a path on a server.
const COMMON: &str = "_definitions.json";

/// Copies the strict schemas of a version to target/xtask/schemas, and returns their folder.
pub(super) fn prepare(workspace: &Workspace, kubernetes: &str) -> anyhow::Result<PathBuf> {
    let script = "import kubernetes_validate as k, os; print(os.path.dirname(k.__file__))";
    let python = workspace.python();
    let package = process::first_line(&python.display().to_string(), &["-c", script])
        .context("kubernetes-validate is missing; run: cargo xtask install")?;
    let from = Path::new(&package).join(format!("kubernetes-json-schema/v{kubernetes}-local-strict"));
    let to = workspace.tools().join("schemas").join(kubernetes);
    if to.join(COMMON).exists() {
        return Ok(to);
    }
    fs::create_dir_all(&to)?;
    let entries = fs::read_dir(&from).with_context(|| format!("there is no {}", from.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // The common one last, since it says that all are there.
    files.sort_by_key(|file| file.ends_with(COMMON));
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.file_name().context("a file has a name")?;
        fs::write(
            to.join(name),
            adapted(&text).with_context(|| format!("{} is no schema", file.display()))?,
        )?;
    }
    Ok(to)
}

/// Without a place on a server, so that references are looked up beside the file.
fn adapted(text: &str) -> anyhow::Result<String> {
    let mut schema: Value = serde_json::from_str(text)?;
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$id");
    }
    Ok(serde_json::to_string(&schema)?.replace("/api/_definitions.json", COMMON))
}

/// `kubeconform -strict`: unknown fields and unknown kinds are faults.
pub(super) fn validate(kubeconform: &Path, schemas: &Path, manifests: &[u8]) -> anyhow::Result<()> {
    let mut command = Command::new(kubeconform);
    let location = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", schemas.display());
    command.args(["-strict", "-summary", "-schema-location", &location, "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("kubeconform does not start")?;
    // It reads all of it before it writes more than a pipe holds.
    child.stdin.take().context("its input is piped")?.write_all(manifests)?;
    let done = child.wait_with_output()?;
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if !done.status.success() || said.contains("0 resources found") {
        bail!("kubeconform refuses what the chart makes:\n{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_refers_to_its_neighbour() {
        let text =
            r##"{"$id":"https://example/x","properties":{"a":{"$ref":"/api/_definitions.json#/$defs/A"}}}"##;
        let expected = r##"{"properties":{"a":{"$ref":"_definitions.json#/$defs/A"}}}"##;
        assert_eq!(adapted(text).expect("it is JSON"), expected);
    }
}
