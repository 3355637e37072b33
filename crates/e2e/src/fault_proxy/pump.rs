//! One direction of one connection.

use super::{Direction, Mode, State};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// Bytes in a piece, and pieces that may be under way: 1 MiB, then the sender has to wait, as on a real network.
const PIECE: usize = 16 << 10;
const QUEUE: usize = 64;

/// Carries bytes, and at last the end of them, the way the mode of the moment says.
pub(super) async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(QUEUE);
    let take = async move {
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read(&mut piece).await?;
            piece.truncate(read);
            // An empty piece stands for the end.
            if sender.send((Instant::now(), piece)).await.is_err() || read == 0 {
                return Ok(());
            }
        }
    };
    let give = async move {
        let mut free = Instant::now();
        while let Some((arrived, piece)) = receiver.recv().await {
            if piece.is_empty() {
                wait(&mut state, direction, arrived, 0, &mut free).await?;
                return to.shutdown().await;
            }
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let size = slice(state.borrow().mode, rest.len());
                wait(&mut state, direction, arrived, size, &mut free).await?;
                to.write_all(&rest[..size]).await?;
                rest = &rest[size..];
            }
        }
        Ok(())
    };
    tokio::try_join!(take, give).map(drop)
}

/// How many of `length` bytes go at once: a slow line gives what it carries in 50 ms.
fn slice(mode: Mode, length: usize) -> usize {
    match mode {
        Mode::Slow { bytes_per_second, .. } => {
            length.min(usize::try_from(bytes_per_second / 20).unwrap_or(length)).max(1)
        }
        _ => length,
    }
}

/// Waits until `size` bytes that came at `arrived` may go on. `free` is when the line is free again.
async fn wait(
    state: &mut watch::Receiver<State>,
    direction: Direction,
    arrived: Instant,
    size: usize,
    free: &mut Instant,
) -> io::Result<()> {
    loop {
        let now = state.wait_for(|state| !state.mode.holds(direction)).await;
        let mode = now.map_err(|_| io::Error::from(io::ErrorKind::ConnectionReset))?.mode;
        let Mode::Slow { latency, bytes_per_second } = mode else { return Ok(()) };
        let takes = Duration::from_secs_f64(size as f64 / bytes_per_second.max(1) as f64);
        let due = (*free + takes).max(arrived + latency);
        tokio::select! {
            () = sleep_until(due) => {
                *free = due;
                return Ok(());
            }
            // A mode that comes meanwhile holds for these bytes too.
            changed = state.changed() => {
                changed.map_err(|_| io::Error::from(io::ErrorKind::ConnectionReset))?;
            }
        }
    }
}
