//! `cargo xtask bench up`: how soon a server is ready, and what it holds.

use super::{
    measure,
    median::{Spread, verdict},
};
use crate::{process, workspace::Workspace};
use anyhow::{Context, bail};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

const AIM_READY_S: f64 = 0.5;
const AIM_MB: f64 = 60.0;
const POLL: Duration = Duration::from_millis(2);
const LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Time from `segue up` to /readyz on first and second start, and its memory 30 s later.
///
/// Each run takes a fresh data folder, starts `segue up --port 0 --json`, asks /readyz until it answers 200, stops
/// the server with SIGTERM, and starts it again on the same data. Resident memory is taken after a second start,
/// with nothing asked of the server meanwhile. Aims: 0.5 s, 60 MB.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many data folders
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Seconds between ready and the look at memory
    #[arg(long, value_name = "S", default_value_t = 30)]
    idle: u64,
}

/// The line that `up --json` prints when it is ready.
#[derive(Deserialize, Default)]
pub(super) struct Ready {
    pub(super) url: String,
    /// The first account, on the first start.
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) password: String,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    let program = workspace.release()?;
    let (mut first, mut second, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=args.runs {
        let folder = tempfile::Builder::new().prefix("segue-bench-").tempdir()?;
        let server = Server::start(&program, folder.path())?;
        first.push(server.ready_s);
        drop(server);
        let server = Server::start(&program, folder.path())?;
        second.push(server.ready_s);
        eprintln!(
            "run {run}: first start {:.3} s, second start {:.3} s",
            first[first.len() - 1],
            server.ready_s
        );
        if run == args.runs {
            eprintln!("waiting {} s before the look at memory", args.idle);
            thread::sleep(Duration::from_secs(args.idle));
            memory = measure::resident_mb(server.process.id());
        }
    }
    println!();
    for (name, figures) in [("first start", &first), ("second start", &second)] {
        let Spread { min, median, max } = Spread::of(figures).context("there was a run")?;
        let verdict = verdict(max, AIM_READY_S);
        println!(
            "{name:<12} to /readyz: {median:.3} s ({min:.3}-{max:.3}, {} runs); aim {AIM_READY_S} s: {verdict}",
            figures.len()
        );
    }
    let sum: f64 = memory.iter().map(|(_, _, mb)| mb).sum();
    for (id, name, mb) in &memory {
        println!("  {name} ({id}): {mb:.1} MB resident");
    }
    println!("resident after {} s: {sum:.1} MB; aim {AIM_MB} MB: {}", args.idle, verdict(sum, AIM_MB));
    println!("the program was in the page cache but for, at most, the first start of all");
    Ok(ExitCode::SUCCESS)
}

/// A running `segue up`, stopped when dropped.
pub(super) struct Server {
    process: Child,
    ready_s: f64,
    pub(super) ready: Ready,
}

impl Server {
    pub(super) fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, data, &[])
    }

    /// With settings in its environment.
    pub(super) fn start_with(
        program: &Path,
        data: &Path,
        settings: &[(String, &str)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.arg("up").arg("--data").arg(data.join("data")).args(["--port", "0", "--json"]);
        command
            .env("SEGUE_HOME", data.join("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let start = Instant::now();
        let process = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        // From here on it is stopped whatever happens.
        let mut server = Self { process, ready_s: 0.0, ready: Ready::default() };
        let output = server.process.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready: Ready = serde_json::from_str(&line).with_context(|| {
            format!("'{} ' printed no JSON line when ready, but: {line:?}", process::line(&command))
        })?;
        let address = ready.url.trim_start_matches("http://").trim_end_matches('/');
        while !is_ready(address) {
            if start.elapsed() > LIMIT {
                bail!("{address}/readyz did not answer 200 within {} s", LIMIT.as_secs());
            }
            thread::sleep(POLL);
        }
        server.ready_s = start.elapsed().as_secs_f64();
        server.ready = ready;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if start.elapsed() > STOP_LIMIT {
                eprintln!("warning: it did not stop within {} s of SIGTERM", STOP_LIMIT.as_secs());
                let _ = self.process.kill();
                let _ = self.process.wait();
            }
            thread::sleep(POLL);
        }
    }
}

fn is_ready(address: &str) -> bool {
    ask(address).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(
        format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
