//! The three contestants.

use crate::bench::measure::{self, Cost};
use crate::process;
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

/// ffmpeg's arguments for one rung each.
const RUNGS: [(&str, &[&str]); 4] = [
    ("aac64", &["aac", "64k"]),
    ("aac128", &["aac", "128k"]),
    ("aac256", &["aac", "256k"]),
    ("flac", &["flac"]),
];
/// Segments as long as Segue's.
const HLS: [&str; 8] =
    ["-f", "hls", "-hls_time", "6", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"];

/// Segue's encoder in a process of its own; also what it printed.
///
/// # Errors
/// When it fails.
pub(super) fn segue(example: &Path, song: &Path, out: &Path) -> anyhow::Result<(Cost, String)> {
    let said = out.join("report.json");
    let mut command = Command::new(example);
    command.arg(song).arg(out.join("song")).stdin(Stdio::null()).stdout(File::create(&said)?);
    fs::create_dir(out.join("song"))?;
    let cost = measure::together(&mut [command])?;
    Ok((cost, fs::read_to_string(said)?))
}

/// Every rung by one process.
pub(super) fn one_command(song: &Path, out: &Path) -> Command {
    let mut command = ffmpeg(song, out);
    for _ in RUNGS {
        command.args(["-map", "0:a:0"]);
    }
    for (index, (_, coder)) in RUNGS.iter().enumerate() {
        command.args([&format!("-c:a:{index}"), coder[0]]);
        command.args(coder.get(1).iter().flat_map(|rate| [format!("-b:a:{index}"), (**rate).to_owned()]));
    }
    // FLAC in MP4 was experimental once; the flag is harmless where it is not.
    command.args(["-strict", "experimental"]).args(HLS);
    let variants: Vec<_> =
        RUNGS.iter().enumerate().map(|(index, (name, _))| format!("a:{index},name:{name}")).collect();
    command.args([
        "-var_stream_map",
        &variants.join(" "),
        "-hls_segment_filename",
        "%v/%d.m4s",
        "%v/index.m3u8",
    ]);
    command
}

/// One process per rung.
///
/// # Errors
/// When a folder cannot be made.
pub(super) fn one_per_rung(song: &Path, out: &Path) -> anyhow::Result<Vec<Command>> {
    let mut commands = Vec::new();
    for (name, coder) in RUNGS {
        fs::create_dir(out.join(name))?;
        let mut command = ffmpeg(song, &out.join(name));
        command.args(["-map", "0:a:0", "-c:a", coder[0]]);
        command.args(coder.get(1).iter().flat_map(|rate| ["-b:a", rate]));
        command.args(["-strict", "experimental"]).args(HLS).args([
            "-hls_segment_filename",
            "%d.m4s",
            "index.m3u8",
        ]);
        commands.push(command);
    }
    Ok(commands)
}

fn ffmpeg(song: &Path, out: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(song).current_dir(out).stdin(Stdio::null());
    command
}

/// What was compared, and where.
pub(super) fn versions() -> Vec<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ffmpeg = process::first_line("ffmpeg", &["-version"]).unwrap_or_default();
    let commit =
        process::first_line("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "unknown".into());
    vec![
        format!("segue at {commit}; {}", ffmpeg.split(" Copyright").next().unwrap_or(&ffmpeg)),
        format!("{cores} cores of{}", model.trim_start_matches(['\t', ' ']).trim_start_matches(':')),
    ]
}
