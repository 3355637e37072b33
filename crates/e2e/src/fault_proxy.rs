//! A relay between a role and an engine, in which the network breaks on command.
//!
//! What it cannot do is refuse a connection before it is made: the kernel makes it, then it is reset.

mod pump;

use pump::pump;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A direction in which bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the one who connected to the target.
    ToTarget,
    /// From the target to the one who connected.
    ToClient,
}

/// What the network does to every connection, new or old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything goes through.
    #[default]
    Pass,
    /// Everything comes late, and no faster than this, in each direction of each connection.
    Slow {
        /// Added to each byte's way, in one direction.
        latency: Duration,
        /// At least 1.
        bytes_per_second: u64,
    },
    /// Connections are reset: those that are there now, and new ones as soon as they are made.
    Cut,
    /// No byte moves in one direction (in both when `None`), and nobody is told. Bytes that are on their way, and
    /// the end of a connection, come through once the mode is another.
    HalfOpen(Option<Direction>),
}

impl Mode {
    fn holds(self, direction: Direction) -> bool {
        matches!(self, Self::HalfOpen(held) if held.is_none_or(|held| held == direction))
    }
}

/// What connections look at.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    mode: Mode,
    /// Connections made before the last of so many resets are reset.
    resets: u64,
}

/// A running proxy. Dropping it resets every connection and frees the port.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepted: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free loopback port for `target` (`host:port`), which need not be there yet.
    pub async fn start(target: impl Into<String>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State::default());
        let accepted = Arc::new(AtomicU64::new(0));
        let accept = accept(listener, target.into(), state.subscribe(), accepted.clone());
        Ok(Self { address, state, accepted, listener: tokio::spawn(accept) })
    }

    /// Where to connect to instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the mode, at once and for all connections.
    pub fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Resets the connections that are there now. New ones go as the mode says.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }

    /// How many connections have come so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: String,
    state: watch::Receiver<State>,
    accepted: Arc<AtomicU64>,
) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(client, target.clone(), state.clone()));
            }
            // Out of descriptors, for example: others may be closed meanwhile.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(mut client: TcpStream, target: String, mut state: watch::Receiver<State>) {
    let first = *state.borrow_and_update();
    let watched = state.clone();
    // Also when the proxy itself is dropped.
    let ended = async move {
        let _ = state.wait_for(|now| now.mode == Mode::Cut || now.resets != first.resets).await;
    };
    let mut ended = std::pin::pin!(ended);
    let connected = tokio::select! {
        biased;
        () = &mut ended => None,
        server = TcpStream::connect(target) => server.ok(),
    };
    let Some(mut server) = connected else { return reset(&client) };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let whole = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let there = pump(from_client, to_server, Direction::ToTarget, watched.clone());
        let back = pump(from_server, to_client, Direction::ToClient, watched);
        tokio::select! {
            biased;
            () = &mut ended => false,
            done = async { tokio::try_join!(there, back) } => done.is_ok(),
        }
    };
    // A side that was reset resets the other.
    if !whole {
        reset(&client);
        reset(&server);
    }
}

/// Makes the close that follows a reset.
fn reset(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}
