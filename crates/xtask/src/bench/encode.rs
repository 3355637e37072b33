//! `cargo xtask bench encode`: one song to its rungs, against ffmpeg.

pub(super) mod cut;
mod tools;

use super::{
    measure::{self, Cost},
    median::{Spread, verdict},
};
use crate::{install, process, progress, workspace::Workspace};
use anyhow::Context;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Length of the song, in seconds.
const SONG_SECONDS: u32 = 240;
/// Wall time, as a share of that of ffmpeg's one command.
const AIM_WALL: f64 = 0.35;
const AIM_MB: f64 = 64.0;

/// Encode a 240 s FLAC to its rungs, against ffmpeg.
///
/// Makes a 44.1 kHz stereo FLAC of real music, then runs in turn, several times: (a) Segue's encoder, with analysis,
/// loudness and true peak; (b) ffmpeg making AAC 64/128/256k and FLAC as HLS in one command, without loudness;
/// (c) one ffmpeg per rung, all at once. Prints the median wall and CPU time, peak memory and ratios.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each of them runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What the example prints.
#[derive(Deserialize)]
struct Report {
    analysis_s: f64,
    encode_s: f64,
    loudness_lufs: Option<f64>,
    true_peak_db: Option<f64>,
    rungs: Vec<String>,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    progress::step("release build of the encoder", || {
        process::run(workspace.cargo().args([
            "build",
            "--release",
            "--package",
            "segue-media",
            "--example",
            "encode",
        ]))
    })?;
    let example = workspace.target_directory.join("release/examples/encode");
    let folder = tempfile::Builder::new().prefix("segue-bench-").tempdir()?;
    let song = folder.path().join("song.flac");
    let made_of = progress::step("make the song", || cut::make(&song, SONG_SECONDS))?;

    let mut costs: [Vec<Cost>; 3] = Default::default();
    let mut report = None;
    for round in 1..=args.rounds {
        let (cost, said) = tools::segue(&example, &song, &fresh(folder.path())?)?;
        report = Some(
            serde_json::from_str::<Report>(&said)
                .context("the example printed something else than expected")?,
        );
        costs[0].push(cost);
        costs[1].push(measure::together(&mut [tools::one_command(&song, &fresh(folder.path())?)])?);
        costs[2].push(measure::together(&mut tools::one_per_rung(&song, &fresh(folder.path())?)?)?);
        let walls = costs.each_ref().map(|runs| runs.last().map_or(0.0, |cost| cost.wall_s));
        eprintln!(
            "round {round}: segue {:.2} s, ffmpeg {:.2} s, one ffmpeg per rung {:.2} s",
            walls[0], walls[1], walls[2]
        );
    }
    print(&costs, &report.context("there was a round")?, &made_of)?;
    Ok(ExitCode::SUCCESS)
}

/// An empty output folder, so that no run overwrites files of another.
fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    let out = folder.join("out");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir(&out)?;
    Ok(out)
}

fn print(costs: &[Vec<Cost>; 3], report: &Report, made_of: &str) -> anyhow::Result<()> {
    let names = ["segue", "ffmpeg, one command", "ffmpeg, one per rung"];
    let middle = |runs: &[Cost], pick: fn(&Cost) -> f64| {
        Spread::of(&runs.iter().map(pick).collect::<Vec<_>>()).context("there was a round")
    };
    println!(
        "\n{SONG_SECONDS} s, 44.1 kHz, stereo, 16 bit FLAC of {made_of}; {} rounds, interleaved",
        costs[0].len()
    );
    println!("{:<22} {:>21} {:>10} {:>10}", "", "wall s (min-max)", "CPU s", "peak MB");
    let mut medians = Vec::new();
    for (name, runs) in names.iter().zip(costs) {
        let wall = middle(runs, |cost| cost.wall_s)?;
        let cpu = middle(runs, |cost| cost.cpu_s)?.median;
        let peak = middle(runs, |cost| cost.peak_mb)?.median;
        let range = format!("{:.2} ({:.2}-{:.2})", wall.median, wall.min, wall.max);
        println!("{name:<22} {range:>21} {cpu:>10.2} {peak:>10.1}");
        medians.push((wall.median, cpu, peak));
    }
    for (name, other) in names.iter().zip(&medians).skip(1) {
        let (wall, cpu) = (medians[0].0 / other.0, medians[0].1 / other.1);
        println!("segue / {name}: wall {wall:.2}, CPU {cpu:.2}");
    }
    let ratio = medians[0].0 / medians[1].0;
    println!("aim: wall at most {AIM_WALL} of the one command: {ratio:.2}, {}", verdict(ratio, AIM_WALL));
    println!("aim: at most {AIM_MB} MB: {:.1} MB, {}", medians[0].2, verdict(medians[0].2, AIM_MB));
    println!(
        "segue made {}; analysis {:.2} s (loudness {} LUFS, true peak {} dBTP, waveform, tags), encoding {:.2} s (last round)",
        report.rungs.join(", "),
        report.analysis_s,
        figure(report.loudness_lufs),
        figure(report.true_peak_db),
        report.encode_s
    );
    println!(
        "what each does: segue decodes twice, measures loudness with true peak, and writes fMP4 by the FDK AAC coder and"
    );
    println!(
        "libFLAC; ffmpeg decodes once, measures nothing, and uses its own AAC coder and its own FLAC coder."
    );
    println!(
        "Speed says nothing of quality: the coders differ. Peak memory of several processes is that of their sum."
    );
    tools::versions().iter().for_each(|version| println!("{version}"));
    Ok(())
}

fn figure(value: Option<f64>) -> String {
    value.map_or("none".into(), |value| format!("{value:.1}"))
}
