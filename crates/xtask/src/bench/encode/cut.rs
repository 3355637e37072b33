//! The song: a cut of Debian's music as FLAC.

use crate::process;
use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const PACKAGES: [&str; 2] = ["singularity-music", "hyperrogue-music"];

/// Writes `seconds` of 44.1 kHz stereo music, joined from as many tracks as that takes; says of which.
///
/// # Errors
/// When ffmpeg fails or there is not enough music.
pub(in crate::bench) fn make(song: &Path, seconds: u32) -> anyhow::Result<String> {
    let mut tracks = Vec::new();
    let mut length = 0.0;
    for track in installed_tracks()? {
        if length > f64::from(seconds) {
            break;
        }
        length += duration(&track)?;
        tracks.push(track);
    }
    if length < f64::from(seconds) {
        bail!("{} hold only {length:.0} s of music", PACKAGES.join(" and "));
    }
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
    for track in &tracks {
        ffmpeg.arg("-i").arg(track);
    }
    let like = "aresample=44100,aformat=sample_fmts=s16:channel_layouts=stereo";
    let streams: String = (0..tracks.len()).map(|i| format!("[{i}:a:0]{like}[t{i}];")).collect();
    let joined: String = (0..tracks.len()).map(|i| format!("[t{i}]")).collect();
    let graph = format!("{streams}{joined}concat=n={}:v=0:a=1[all]", tracks.len());
    ffmpeg.args([
        "-filter_complex",
        &graph,
        "-map",
        "[all]",
        "-t",
        &seconds.to_string(),
        "-map_metadata",
        "-1",
    ]);
    process::quiet(ffmpeg.args(["-c:a", "flac", "-sample_fmt", "s16"]).arg(song))?;
    let names: Vec<_> =
        tracks.iter().filter_map(|track| Some(track.file_stem()?.to_string_lossy())).collect();
    Ok(names.join(", "))
}

/// Sorted, so that the song is the same everywhere; sound effects are no music.
fn installed_tracks() -> anyhow::Result<Vec<PathBuf>> {
    let done = process::quiet(Command::new("dpkg").arg("--listfiles").args(PACKAGES))
        .context("the music packages are needed; run 'cargo xtask install'")?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let mut tracks: Vec<PathBuf> = text
        .lines()
        .filter(|line| line.contains("/music/") && line.ends_with(".ogg"))
        .map(PathBuf::from)
        .collect();
    tracks.sort();
    Ok(tracks)
}

fn duration(track: &Path) -> anyhow::Result<f64> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]);
    let done = process::quiet(ffprobe.arg(track))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    text.trim().parse().with_context(|| format!("{} has no duration", track.display()))
}
