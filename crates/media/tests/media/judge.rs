//! ffmpeg as judge. A machine without it fails these tests: they would prove nothing otherwise.

use std::path::Path;
use std::process::{Command, Output};

fn ffmpeg(arguments: &[&str]) -> Output {
    let output = Command::new("ffmpeg").args(["-nostdin", "-hide_banner"]).args(arguments).output();
    output.expect("these tests need ffmpeg on the PATH (Debian: apt-get install ffmpeg)")
}

/// Runs ffmpeg, which must succeed, and returns its standard output.
pub(crate) fn run(arguments: &[&str]) -> Vec<u8> {
    let output = ffmpeg(arguments);
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What ffmpeg decodes from a file or playlist, as raw `format` (`s16le`, `s32le`, `f32le`); it must not complain.
pub(crate) fn decode(path: &Path, format: &str) -> Vec<u8> {
    let path = path.to_str().expect("paths of tests are UTF-8");
    let output = ffmpeg(&["-v", "error", "-i", path, "-f", format, "-c:a", &format!("pcm_{format}"), "-"]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{path}: {complaints}");
    output.stdout
}

/// Integrated loudness (LUFS) and true peak (dBTP) by ffmpeg's ebur128 filter.
pub(crate) fn loudness(path: &Path) -> (f64, f64) {
    let path = path.to_str().expect("paths of tests are UTF-8");
    let output = ffmpeg(&["-i", path, "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{path}: {text}");
    let summary = text.rsplit_once("Summary:").expect("the filter prints a summary").1;
    let number = |name: &str| {
        let rest = summary.split_once(name).expect("the summary has the value").1;
        rest.split_whitespace().next().and_then(|word| word.parse().ok()).expect("the value is a number")
    };
    (number("I:"), number("Peak:"))
}
