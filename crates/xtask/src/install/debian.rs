//! Debian packages, system-wide.

use crate::{process, progress};
use anyhow::bail;
use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

/// Each package, and what it is for (shown when it cannot be installed).
const PACKAGES: [(&str, &str); 11] = [
    ("ffmpeg", "judges what the encoder made"),
    ("chromium", "plays it"),
    ("postgresql-15", "keeps the rows, on private ports as all engines"),
    ("patroni", "makes a group of three of it"),
    ("python3-etcd", "lets Patroni speak to etcd"),
    ("etcd-server", "keeps the group's leader"),
    ("redis-server", "keeps what is hot"),
    ("rabbitmq-server", "carries events"),
    ("asc-music", "real MP3s"),
    ("hyperrogue-music", "music to make FLAC and WAV of"),
    ("singularity-music", "music to make FLAC and WAV of"),
];

/// Installs the packages that are missing.
///
/// # Errors
/// On another system than Debian, without root or sudo, or when apt fails: says what is missing.
pub(crate) fn install() -> anyhow::Result<()> {
    if !Path::new("/usr/bin/dpkg-query").exists() {
        return elsewhere();
    }
    let missing = missing(&installed(), uses_debians_python(), process::first_line("mvn", &["-v"]).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("sudo apt-get update && sudo apt-get install {}", missing.join(" "));
    let root = Path::new("/proc/self").metadata().is_ok_and(|own| own.uid() == 0);
    if !root && process::first_line("sudo", &["-n", "true"]).is_none() {
        bail!("{} must be installed by root; run: {by_hand}", missing.join(", "));
    }
    progress::step(&format!("apt-get install {}", missing.join(" ")), || {
        let installed = process::quiet(apt(root).arg("update"))
            .and_then(|_| process::quiet(apt(root).args(words()).args(&missing)));
        match installed {
            Ok(_) => Ok(()),
            Err(error) => bail!("{error:#}\nto see more, run: {by_hand}"),
        }
    })
}

fn words() -> [&'static str; 4] {
    ["install", "--yes", "--no-install-recommends", "--quiet"]
}

/// `RUNLEVEL=1` makes invoke-rc.d start nothing: the packages would otherwise open the machine's ports.
fn apt(root: bool) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
    command
}

fn installed() -> String {
    let mut command = Command::new("/usr/bin/dpkg-query");
    command.args(["--show", "--showformat=${Package} ${db:Status-Status}\\n", "python3-venv", "maven"]);
    // It ends with code 1 when it does not know one of them; what it knows is still printed.
    let done = command.args(PACKAGES.map(|(name, _)| name)).stderr(Stdio::null()).output();
    done.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default()
}

fn missing(installed: &str, debians_python: bool, has_maven: bool) -> Vec<&'static str> {
    let mut missing: Vec<_> = PACKAGES.map(|(name, _)| name).into();
    // Debian's Python comes without the part that makes virtual environments.
    missing.extend(debians_python.then_some("python3-venv"));
    // Fetches OpenSearch; it may as well come from elsewhere.
    missing.extend((!has_maven).then_some("maven"));
    missing.retain(|name| !installed.lines().any(|line| line == format!("{name} installed")));
    missing
}

fn uses_debians_python() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|path| path.exists());
    first.is_some_and(|path| path.starts_with("/usr/bin"))
}

/// Nothing can be installed here, but what is there is used.
fn elsewhere() -> anyhow::Result<()> {
    let programs = [
        ("ffmpeg", "ffmpeg"),
        ("chromium", "chromium"),
        ("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"),
        ("patroni", "patroni"),
        ("etcd", "etcd-server"),
        ("redis-server", "redis-server"),
        ("mvn", "maven"),
    ];
    let mut missing: Vec<_> = programs
        .iter()
        .filter(|(program, _)| process::first_line(program, &["--version"]).is_none())
        .map(|(_, package)| *package)
        .collect();
    // Its programs do not tell their version to everybody.
    missing.extend((!Path::new("/usr/lib/rabbitmq/lib").exists()).then_some("rabbitmq-server"));
    if missing.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = PACKAGES.iter().map(|(name, what)| format!("  {name}: {what}")).collect();
    bail!(
        "this is not Debian, so nothing can be installed by itself; missing: {}.\nThe tests look for these Debian packages where Debian puts them:\n{}",
        missing.join(", "),
        all.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        let installed =
            "ffmpeg installed\nchromium not-installed\npostgresql-15 config-files\nasc-music installed\n";
        let missing = missing(installed, false, true);
        assert_eq!(missing[..2], ["chromium", "postgresql-15"]);
        assert!(missing.ends_with(&["hyperrogue-music", "singularity-music"]));
    }

    #[test]
    fn debians_python_needs_its_venv_package() {
        let all: String = PACKAGES.iter().map(|(name, _)| format!("{name} installed\n")).collect();
        assert_eq!(missing(&all, true, true), ["python3-venv"]);
        assert!(missing(&format!("{all}python3-venv installed\n"), true, true).is_empty());
    }

    #[test]
    fn maven_is_installed_unless_it_is_there() {
        let all: String = PACKAGES.iter().map(|(name, _)| format!("{name} installed\n")).collect();
        assert_eq!(missing(&all, false, false), ["maven"]);
        assert!(missing(&format!("{all}maven installed\n"), false, false).is_empty());
    }
}
