//! The child's own end: one order, one file, no runtime, no configuration.

use super::{
    frame,
    order::{MAX_ORDER, Order},
    sandbox,
};
use segue_media::{Control, Error, Limits, Sink, analyse, encode, ladder};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    process::ExitCode,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The analysis is this share of the work, thousandths.
const ANALYSIS: u32 = 150;
/// Pause between two progress frames.
const PAUSE: Duration = Duration::from_millis(100);

/// The body of the hidden command `encode-worker`: decodes and encodes the file that is its standard input as
/// the order on its standard output says, and answers there. Reads neither arguments nor environment.
///
/// A file that cannot be encoded is a success of the process; anything else that goes wrong is told on
/// standard error.
pub fn worker_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("encode worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut channel = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let order = read_order(&mut channel).map_err(|e| {
        io::Error::new(e.kind(), format!("no order ({e}); this command is started by the encoder role"))
    })?;
    let spool = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    sandbox::enter(&order)?;

    let channel = Mutex::new(Channel { file: channel, told: None });
    let limits = Limits { max_duration_s: order.max_duration_s, ..Limits::default() };
    let made =
        analyse(&spool, &limits, &Share { channel: &channel, from: 0, to: ANALYSIS }).and_then(|analysis| {
            let rungs = ladder(&analysis);
            let rest = Share { channel: &channel, from: ANALYSIS, to: 1000 };
            encode(&spool, &analysis, &rungs, &order.song, &rest, &mut Objects(&channel))
        });
    let mut channel = lock(&channel);
    match made {
        Ok(_) => frame::write_done(&mut channel.file),
        // The parent has gone or has had enough: nobody reads an answer.
        Err(Error::Sink(text)) => Err(io::Error::other(text)),
        Err(error) => frame::write_failed(&mut channel.file, error.reason(), &error.to_string()),
    }
}

fn read_order(from: &mut File) -> io::Result<Order> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_ORDER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = vec![0; length];
    from.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

struct Channel {
    file: File,
    /// When the last progress frame went out.
    told: Option<Instant>,
}

fn lock(channel: &Mutex<Channel>) -> MutexGuard<'_, Channel> {
    channel.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the progress of one pass as a share of the whole.
struct Share<'c> {
    channel: &'c Mutex<Channel>,
    from: u32,
    to: u32,
}

impl Control for Share<'_> {
    fn progress(&self, done: u64, total: u64) {
        let span = u128::from(self.to - self.from);
        let part = u128::from(done.min(total)) * span / u128::from(total.max(1));
        let mut channel = lock(self.channel);
        if channel.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        channel.told = Some(Instant::now());
        // A parent that is gone is noticed with the next object.
        let _ = frame::write_progress(&mut channel.file, self.from + u32::try_from(part).unwrap_or(0));
    }
}

/// Sends objects to the parent, which may be slow: then writing waits.
struct Objects<'c>(&'c Mutex<Channel>);

impl Sink for Objects<'_> {
    fn put(&mut self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let mut channel = lock(self.0);
        frame::write_object(&mut channel.file, name, content_type, &bytes)
            .map_err(|e| Error::Sink(e.to_string()))
    }
}
