//! Real music from Debian's packages, and synthetic sound, as files that tests upload. ffmpeg makes and judges.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The three MP3s of Debian's asc-music: 22.05 kHz, no LAME header.
///
/// # Panics
/// When the package is missing.
pub fn asc() -> Vec<PathBuf> {
    let folder = Path::new("/usr/share/games/asc/music");
    let files = ["frontiers.mp3", "machine_wars.mp3", "time_to_strike.mp3"].map(|f| folder.join(f));
    assert!(files.iter().all(|f| f.exists()), "asc-music is not installed; run 'cargo xtask install'");
    files.into()
}

/// A Vorbis file of a Debian package whose rate is `rate`.
///
/// # Panics
/// When there is none.
pub fn vorbis(package: &str, rate: u32) -> PathBuf {
    let list = Command::new("dpkg").args(["-L", package]).output().expect("dpkg runs");
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut songs: Vec<PathBuf> = text.lines().filter(|l| l.ends_with(".ogg")).map(PathBuf::from).collect();
    songs.sort();
    let found = songs.into_iter().find(|s| probe(s, "sample_rate") == rate.to_string());
    found.unwrap_or_else(|| panic!("{package} has no song at {rate} Hz; run 'cargo xtask install'"))
}

/// One field of the first audio stream, by ffprobe.
///
/// # Panics
/// When ffprobe is missing.
pub fn probe(file: &Path, field: &str) -> String {
    let entries = format!("stream={field}");
    let args = ["-v", "error", "-select_streams", "a:0", "-show_entries", &entries, "-of", "csv=p=0"];
    let done = Command::new("ffprobe")
        .args(args)
        .arg(file)
        .output()
        .expect("ffprobe runs; try 'cargo xtask install'");
    String::from_utf8_lossy(&done.stdout)
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches(',')
        .to_owned()
}

/// A cut of a song in the format that `to` names, `seconds` long from `from`.
pub fn cut(song: &Path, from: f64, seconds: f64, to: &Path, more: &[&str]) {
    let mut args: Vec<String> = ["-v", "error", "-y", "-ss"].map(str::to_owned).into();
    args.extend([
        from.to_string(),
        "-i".into(),
        song.display().to_string(),
        "-t".into(),
        seconds.to_string(),
    ]);
    args.extend(["-map_metadata".into(), "-1".into(), "-map".into(), "0:a".into()]);
    args.extend(more.iter().map(|m| (*m).to_owned()));
    args.push(to.display().to_string());
    ffmpeg(&args);
}

/// A sine of exactly `samples` samples that begins and ends above silence.
pub fn sine(samples: u64, rate: u32, to: &Path) {
    let source = format!(
        "aevalsrc=0.4*cos(2*PI*440*t)|0.3*cos(2*PI*660*t):s={rate}:d={}",
        samples as f64 / f64::from(rate) + 1.0
    );
    let trim = format!("atrim=end_sample={samples}");
    ffmpeg(
        &["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-af", &trim, &to.display().to_string()]
            .map(str::to_owned),
    );
}

/// What ffmpeg decodes: interleaved 32-bit samples at the source's rate and channels.
///
/// # Panics
/// When ffmpeg fails.
pub fn decode(source: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i", source, "-map", "0:a:0", "-f", "s32le", "-c:a", "pcm_s32le", "-"]);
    let done = command.stdin(Stdio::null()).output().expect("ffmpeg runs; try 'cargo xtask install'");
    assert!(done.status.success(), "ffmpeg {source}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Samples per channel that ffmpeg decodes.
pub fn samples(source: &str, channels: usize) -> usize {
    decode(source).len() / 4 / channels
}

fn ffmpeg(args: &[String]) {
    let done = Command::new("ffmpeg")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs; try 'cargo xtask install'");
    assert!(done.status.success(), "ffmpeg {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}
