//! Encodes one file into a folder, and prints what that took: `encode FILE FOLDER`.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use segue_media::{Limits, Sink, Unattended, analyse, encode, ladder};

struct Folder(PathBuf);

impl Sink for Folder {
    fn put(&mut self, name: &str, _content_type: &str, bytes: Vec<u8>) -> Result<(), segue_media::Error> {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).and_then(|()| fs::write(&path, bytes))?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(input), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: encode FILE FOLDER".into());
    };
    let file = File::open(&input)?;
    let start = Instant::now();
    let analysis = analyse(&file, &Limits::default(), &Unattended)?;
    let analysed = start.elapsed();
    let rungs = ladder(&analysis);
    let manifest = encode(&file, &analysis, &rungs, "example", &Unattended, &mut Folder(folder.into()))?;
    let total = start.elapsed();
    println!(
        "{}",
        serde_json::json!({
            "analysis_s": analysed.as_secs_f64(),
            "encode_s": (total - analysed).as_secs_f64(),
            "total_s": total.as_secs_f64(),
            "peak_rss_bytes": peak_rss(),
            "samples": manifest.samples,
            "loudness_lufs": manifest.loudness_lufs,
            "true_peak_db": manifest.true_peak_db,
            "rungs": manifest.rungs.iter().map(|rung| &rung.name).collect::<Vec<_>>(),
        })
    );
    Ok(())
}

/// Highest resident memory of this process so far, where the system tells.
fn peak_rss() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
