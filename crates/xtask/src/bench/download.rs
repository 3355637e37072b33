//! `cargo xtask bench download`: an album from a warm edge, against curl on the same URLs.

use super::{
    encode::cut,
    median::{Spread, verdict},
    up::Server,
};
use crate::{install, process, progress, workspace::Workspace};
use anyhow::Context;
use std::{
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};
use walkdir::WalkDir;

/// Of curl's rate.
const AIM: f64 = 0.9;
/// How long events may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Title of the album, and of nothing else.
const ALBUM: &str = "An album to measure with";

/// Download an album from a warm edge, against `curl --parallel` on the same URLs.
///
/// Starts a server, uploads an album of real music as FLAC, and downloads it once, so that the edge holds it. Then both
/// fetch all of it in turn, several times, each time into a new folder: `segue download` of the album, with
/// everything that it does (asking for the list and the grants, hashing every file), and curl from a list of URLs. Prints
/// rates and their ratio.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each of them runs
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Songs on the album
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    songs: u32,
    /// Seconds of each song
    #[arg(long, value_name = "S", default_value_t = 240, value_parser = clap::value_parser!(u32).range(10..=600))]
    seconds: u32,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = workspace.release()?;
    let folder = tempfile::Builder::new().prefix("segue-bench-").tempdir()?;
    let root = folder.path();
    let songs = progress::step("make the album", || album(root, &args))?;
    let user = User { server: Server::start(&program, root)?, program, home: root.join("home") };
    progress::step("upload and encode it", || user.upload(&songs))?;
    let album = user.album(args.songs)?;
    let first = root.join("first");
    user.download(&album, &first)?;
    let bytes = size(&first);
    let list = user.urls(&first)?;

    let (mut ours, mut curls) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let rate = |started: Instant| bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
        let to = fresh(root)?;
        let started = Instant::now();
        user.download(&album, &to)?;
        ours.push(rate(started));
        let to = fresh(root)?;
        let config = to.join("list");
        fs::write(&config, curl_list(&list, &to)?)?;
        let started = Instant::now();
        process::quiet(
            Command::new("curl")
                .args(["--silent", "--show-error", "--fail", "--parallel", "--config"])
                .arg(&config),
        )?;
        curls.push(rate(started));
        eprintln!(
            "round {round}: segue {:.0} MB/s, curl {:.0} MB/s",
            ours[ours.len() - 1],
            curls[curls.len() - 1]
        );
    }
    print(&ours, &curls, bytes, list.len())?;
    Ok(ExitCode::SUCCESS)
}

fn print(ours: &[f64], curls: &[f64], bytes: u64, files: usize) -> anyhow::Result<()> {
    println!("\n{:.1} MB in {files} files; {} rounds, interleaved", bytes as f64 / 1e6, ours.len());
    let mut medians = Vec::new();
    for (name, rates) in [("segue download", ours), ("curl --parallel", curls)] {
        let Spread { min, median, max } = Spread::of(rates).context("there was a round")?;
        println!("{name:<16} {median:>7.0} MB/s ({min:.0}-{max:.0})");
        medians.push(median);
    }
    let ratio = medians[0] / medians[1];
    println!("segue / curl: {ratio:.2}; aim at least {AIM}: {}", verdict(AIM, ratio));
    println!("segue asks for the list and hashes every byte in that time; curl checks nothing");
    println!("{}", process::first_line("curl", &["--version"]).unwrap_or_default());
    Ok(())
}

/// FLAC files with one album in their tags; each is other music than the next by where it begins.
fn album(root: &Path, args: &Args) -> anyhow::Result<Vec<PathBuf>> {
    let whole = root.join("whole.flac");
    cut::make(&whole, args.seconds + 3 * args.songs)?;
    let song = |number: u32| {
        let path = root.join(format!("{number}.flac"));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-ss", &(3 * (number - 1)).to_string(), "-i"]).arg(&whole);
        ffmpeg.args([
            "-t",
            &args.seconds.to_string(),
            "-c:a",
            "flac",
            "-metadata",
            &format!("title=Number {number}"),
        ]);
        ffmpeg.args(["-metadata", &format!("album={ALBUM}"), "-metadata", "artist=Various"]);
        ffmpeg.args(["-metadata", &format!("track={number}")]).arg(&path);
        process::quiet(&mut ffmpeg)?;
        Ok(path)
    };
    (1..=args.songs).map(song).collect()
}

/// A new empty folder in the place of the one before.
fn fresh(root: &Path) -> anyhow::Result<PathBuf> {
    let to = root.join("kept");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir(&to)?;
    Ok(to)
}

/// Files of audio below a folder, with their names relative to it.
fn audio(root: &Path) -> Vec<PathBuf> {
    let files =
        WalkDir::new(root).sort_by_file_name().into_iter().flatten().map(walkdir::DirEntry::into_path);
    let ends = |path: &PathBuf| path.extension().is_some_and(|end| end == "m4s" || end == "mp4");
    files.filter(ends).collect()
}

fn size(root: &Path) -> u64 {
    audio(root).iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum()
}

/// A configuration file of curl: each URL and where its bytes go.
fn curl_list(urls: &[String], to: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, url) in urls.iter().enumerate() {
        let path = to.join(format!("{number}"));
        writeln!(text, "url = \"{url}\"\noutput = \"{}\"", path.display())?;
    }
    Ok(text)
}

/// The command line of somebody who is signed in.
struct User {
    program: PathBuf,
    home: PathBuf,
    server: Server,
}

impl User {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("SEGUE_HOME", &self.home).env("SEGUE_URL", &self.server.ready.url).stdin(Stdio::null());
        command
    }

    fn upload(&self, songs: &[PathBuf]) -> anyhow::Result<()> {
        let mut command = self.command();
        command.args(["login", "--password-stdin", "--email", &self.server.ready.email]);
        let mut login = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut input = login.stdin.take().context("its input is piped")?;
        input.write_all(self.server.ready.password.as_bytes())?;
        drop(input);
        anyhow::ensure!(login.wait()?.success(), "the first account cannot sign in");
        process::quiet(self.command().args(["upload", "--json"]).args(songs))?;
        Ok(())
    }

    /// The id of the album, once it has all its songs: albums are made of events.
    fn album(&self, songs: u32) -> anyhow::Result<String> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            let done = process::quiet(self.command().args(["albums", "--json"]))?;
            for line in String::from_utf8_lossy(&done.stdout).lines() {
                let album: serde_json::Value = serde_json::from_str(line)?;
                if album["title"] == ALBUM && album["song_count"] == songs {
                    return album["album_id"].as_str().map(str::to_owned).context("an album has an id");
                }
            }
            thread::sleep(Duration::from_millis(100));
        }
        anyhow::bail!("the album did not come to have {songs} songs within {} s", LIMIT.as_secs())
    }

    fn download(&self, album: &str, to: &Path) -> anyhow::Result<()> {
        process::quiet(self.command().args(["download", "--json", album, "--to"]).arg(to))?;
        Ok(())
    }

    /// Where the audio that was downloaded into `kept` comes from.
    fn urls(&self, kept: &Path) -> anyhow::Result<Vec<String>> {
        let done = process::quiet(self.command().args(["songs", "--json"]))?;
        let mut urls = Vec::new();
        for line in String::from_utf8_lossy(&done.stdout).lines() {
            let song: serde_json::Value = serde_json::from_str(line)?;
            let (Some(id), Some(title)) = (song["song_id"].as_str(), song["title"].as_str()) else {
                anyhow::bail!("'segue songs --json' printed {line}");
            };
            let done = process::quiet(self.command().args(["play", "--json", id]))?;
            let played: serde_json::Value = serde_json::from_slice(&done.stdout)?;
            let master = played["playback_url"].as_str().context("a song has a URL to play")?;
            let base = master.trim_end_matches("master.m3u8");
            let folder = kept.join(format!("Various - {title}"));
            for file in audio(&folder) {
                urls.push(format!("{base}{}", file.strip_prefix(&folder)?.display()));
            }
        }
        anyhow::ensure!(urls.len() == audio(kept).len(), "every file has a URL");
        Ok(urls)
    }
}
