//! One segue.toml for every process of a mesh; what differs is on their command lines.

use super::roles::Plan;
use crate::engines::{State, configuration};
use anyhow::Context;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Writes it beside the data of the engines.
pub(super) fn write(
    state: &State,
    plan: &Plan,
    otlp: Option<&str>,
    settings: &[String],
) -> anyhow::Result<PathBuf> {
    let folder = state.folder.join("mesh");
    fs::create_dir_all(&folder)?;
    let file = folder.join("segue.toml");
    let mut text = text(state, plan, &folder, otlp)?;
    for setting in settings {
        let (key, value) = setting.split_once('=').context("--set wants section.key=value")?;
        text = replace(&text, key, value)?;
    }
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn text(state: &State, plan: &Plan, folder: &Path, otlp: Option<&str>) -> anyhow::Result<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    let mut text = configuration::of(state);
    writeln!(text, "\n[keys]\nfile = {:?}\npublic_file = {:?}", at("keys.json"), at("public.json"))?;
    let azurite = state.variables.get("SEGUE_TEST_AZURITE").context("Azurite was not started")?;
    writeln!(text, "\n[blob.reader]\nendpoint = {azurite:?}\nsas_file = {:?}", at("edge.sas"))?;
    writeln!(text, "\n[song]\nedges = {:?}", plan.of("edge"))?;
    // Two encoders share this machine with everything else.
    writeln!(text, "\n[encoder]\nworkers = 1")?;
    writeln!(text, "\n[peers]")?;
    for role in ["identity", "song", "playlist", "encoder", "search"] {
        writeln!(text, "{role} = {:?}", plan.of(role))?;
    }
    writeln!(text, "\n[telemetry]\njson = true\notlp_endpoint = {:?}", otlp.unwrap_or_default())?;
    writeln!(text, "otlp_metrics_ms = 1000")?;
    Ok(text)
}

/// Replaces the value of `section.key` (the key is what comes after the last dot).
fn replace(text: &str, key: &str, value: &str) -> anyhow::Result<String> {
    let (section, key) = key.rsplit_once('.').context("--set wants section.key=value")?;
    let mut found = false;
    let mut within = false;
    let lines = text.lines().map(|line| {
        if line.starts_with('[') {
            within = line == format!("[{section}]");
        }
        let name = line.split_once(" = ").map(|(name, _)| name);
        if within && name == Some(key) {
            found = true;
            return format!("{key} = {value}");
        }
        line.to_owned()
    });
    let mut replaced: Vec<String> = lines.collect();
    if !found {
        match replaced.iter().position(|line| *line == format!("[{section}]")) {
            Some(at) => replaced.insert(at + 1, format!("{key} = {value}")),
            None => replaced.push(format!("[{section}]\n{key} = {value}")),
        }
    }
    Ok(replaced.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn a_setting_replaces_a_line_or_adds_one() {
        let text = "[bus]\nurl = \"a\"\n\n[cache.redis]\nurl = \"b\"\n";
        assert_eq!(
            replace(text, "cache.redis.url", "\"c\"").unwrap(),
            "[bus]\nurl = \"a\"\n\n[cache.redis]\nurl = \"c\"\n"
        );
        assert_eq!(
            replace(text, "bus.window", "1").unwrap(),
            "[bus]\nwindow = 1\nurl = \"a\"\n\n[cache.redis]\nurl = \"b\"\n"
        );
        assert!(replace(text, "x.y", "1").unwrap().ends_with("[x]\ny = 1\n"));
        assert!(replace(text, "y", "1").is_err());
    }
}
