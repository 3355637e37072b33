//! The parent's end of the child process.

use super::{
    frame::{self, Frame},
    order::Order,
};
use crate::WorkerCommand;
use std::{
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as StdUnixStream, process::ExitStatusExt},
    },
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::{ChildStderr, Command},
    task::JoinHandle,
};

/// How much of its standard error is kept, bytes.
const MOST_STDERR: usize = 8 << 10;
/// How long a child may take to end after its last frame.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// How a child ended that did not do its work. For the log, not for users.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Death(pub(crate) String);

/// A running child. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::process::Child,
    frames: BufReader<UnixStream>,
    stderr: Option<JoinHandle<String>>,
}

impl Child {
    /// Starts `worker` on an open file.
    pub(crate) async fn start(worker: &WorkerCommand, file: File, order: &Order) -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(&worker.program);
        command
            .args(&worker.args)
            .env_clear()
            .current_dir("/")
            .stdin(file)
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // The child dies with the thread that starts it (PR_SET_PDEATHSIG): a worker of the runtime, which lives as
        // long as the process, and never one of its blocking threads.
        let mut process = command.spawn()?;
        // The command holds the child's end too, and would keep it open.
        drop(command);
        let stderr = process.stderr.take().map(|pipe| tokio::spawn(keep(pipe)));
        let mut child = Self { process, frames: BufReader::new(UnixStream::from_std(ours)?), stderr };
        let order = serde_json::to_vec(order)?;
        let length = u32::try_from(order.len()).map_err(io::Error::other)?;
        // A child that is dead already is noticed by the first read.
        let _ = child.frames.get_mut().write_all(&[&length.to_le_bytes()[..], &order].concat()).await;
        Ok(child)
    }

    /// The next frame. The end of the stream before `Done` or `Failed` is a death.
    pub(crate) async fn frame(&mut self) -> Result<Frame, Death> {
        match frame::read(&mut self.frames).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(self.death("ended without an answer").await),
            // It did not even read its order.
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => {
                Err(self.death("ended without an answer").await)
            }
            Err(error) => Err(self.death(&format!("sent no frame: {error}")).await),
        }
    }

    /// Waits for the end after the last frame; anything but a clean one is a death.
    pub(crate) async fn finish(mut self) -> Result<(), Death> {
        match tokio::time::timeout(LAST_BREATH, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => Err(self.death("did not end well").await),
        }
    }

    async fn death(&mut self, what: &str) -> Death {
        // It may hold the stream closed and run on.
        let status = match tokio::time::timeout(Duration::from_millis(500), self.process.wait()).await {
            Ok(status) => status,
            Err(_) => {
                let _ = self.process.start_kill();
                self.process.wait().await
            }
        };
        let how = status.map_or_else(|e| e.to_string(), describe);
        let said = match self.stderr.take() {
            None => String::new(),
            Some(task) => tokio::time::timeout(Duration::from_secs(1), task)
                .await
                .ok()
                .and_then(Result::ok)
                .unwrap_or_default(),
        };
        let said = said.trim();
        let colon = if said.is_empty() { "" } else { ": " };
        Death(format!("child process {what} ({how}){colon}{said}"))
    }
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("killed by signal {signal}"),
        None => format!("{status}"),
    }
}

/// Reads to the end, so that the child never waits for us, and keeps the beginning.
async fn keep(mut pipe: ChildStderr) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n.min(MOST_STDERR - kept.len())]);
    }
    String::from_utf8_lossy(&kept).replace(|c: char| c.is_control() && c != ' ', " ")
}
