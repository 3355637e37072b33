//! Whether Segue knows every setting that the chart makes: in segue.toml, and in variables from Secrets.

use super::{chart::Chart, schemas};
use crate::process;
use anyhow::{Context, bail};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A setting that nobody knows, by which the check itself is checked.
const UNKNOWN: &str = "config.song.no_such_setting=1";

/// `segue config print` must accept the file and the variables of every role, and refuse an unknown setting.
pub(super) fn check(chart: &Chart, segue: &Path, python: &Path) -> anyhow::Result<()> {
    for values in chart.values()? {
        let rendered = |set: &[&str]| objects(python, &chart.render(schemas::VERSIONS[1], &values, set)?);
        let objects = rendered(&[])?;
        let roles = roles(&objects);
        if roles.is_empty() {
            bail!("{} makes no role", values.display());
        }
        for role in roles.iter().map(Some).chain([None]) {
            print_configuration(segue, &objects, role)
                .with_context(|| format!("with the values of {}", values.display()))?;
        }
        if print_configuration(segue, &rendered(&[UNKNOWN])?, None).is_ok() {
            bail!("{} accepts {UNKNOWN}", segue.display());
        }
    }
    Ok(())
}

/// The manifests as JSON: Python reads YAML.
fn objects(python: &Path, manifests: &[u8]) -> anyhow::Result<Vec<Value>> {
    let script =
        "import json, sys, yaml; json.dump([d for d in yaml.safe_load_all(sys.stdin) if d], sys.stdout)";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the Python of the tools does not start; run: cargo xtask install")?;
    child.stdin.take().context("its input is piped")?.write_all(manifests)?;
    let done = child.wait_with_output()?;
    serde_json::from_slice(&done.stdout).context("the chart makes something that is not YAML")
}

/// What the deployments start.
fn roles(objects: &[Value]) -> BTreeSet<String> {
    let deployments = objects.iter().filter(|object| object["kind"] == "Deployment");
    let words = deployments.flat_map(containers).filter(|container| container["args"][0] == "serve");
    words.filter_map(|container| container["args"][1].as_str().map(str::to_owned)).collect()
}

fn containers(object: &Value) -> Vec<Value> {
    object["spec"]["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default()
}

/// Names of all variables, and their values where they are not in a Secret.
fn variables(objects: &[Value]) -> Vec<(String, String)> {
    let all = objects.iter().flat_map(containers);
    let all = all.flat_map(|container| container["env"].as_array().cloned().unwrap_or_default());
    all.filter_map(|variable| {
        let value = variable["value"].as_str().unwrap_or("a secret");
        Some((variable["name"].as_str()?.to_owned(), value.to_owned()))
    })
    .collect()
}

fn print_configuration(segue: &Path, objects: &[Value], role: Option<&String>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let maps = objects.iter().filter(|object| object["kind"] == "ConfigMap");
    for text in maps.filter_map(|map| map["data"]["segue.toml"].as_str()) {
        let file = folder.path().join("segue.toml");
        fs::write(&file, text)?;
        let mut command = Command::new(segue);
        command.args(["config", "print", "--config"]).arg(&file);
        command.args(role.iter().flat_map(|role| ["--role", role]));
        command.env_clear().env("HOME", folder.path()).envs(variables(objects));
        process::quiet(&mut command)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_roles_and_variables() {
        let container = |args: Value| {
            json!({ "args": args, "env": [
                { "name": "SEGUE__BUS__URL", "valueFrom": { "secretKeyRef": { "name": "bus", "key": "url" } } },
                { "name": "SEGUE__ENCODER__WORKERS", "value": "2" },
            ] })
        };
        let object = |kind: &str, args: Value| json!({ "kind": kind, "spec": { "template": { "spec": { "containers": [container(args)] } } } });
        let objects = [
            object("Deployment", json!(["serve", "song", "--config", "/f"])),
            object("Job", json!(["provision", "--config", "/f"])),
        ];
        assert_eq!(roles(&objects), ["song".to_owned()].into());
        let variables = variables(&objects);
        assert_eq!(variables.len(), 4);
        assert_eq!(variables[0], ("SEGUE__BUS__URL".to_owned(), "a secret".to_owned()));
        assert_eq!(variables[1], ("SEGUE__ENCODER__WORKERS".to_owned(), "2".to_owned()));
    }
}
