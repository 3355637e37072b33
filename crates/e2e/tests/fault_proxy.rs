//! The fault proxy does what its modes say. Times are lower bounds only, so a slow machine changes nothing.

use segue_e2e::fault_proxy::{Direction, FaultProxy, Mode};
use std::{io::ErrorKind, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

const PATIENCE: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_millis(200);

/// A server that gives back what it gets, and tells what it got.
async fn echo() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, receiver) = mpsc::channel(1024);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 << 10];
                while let Ok(read @ 1..) = socket.read(&mut bytes).await {
                    let _ = sender.try_send(bytes[..read].to_vec());
                    if socket.write_all(&bytes[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, receiver)
}

struct Bench {
    proxy: FaultProxy,
    got: mpsc::Receiver<Vec<u8>>,
}

impl Bench {
    async fn new() -> Self {
        let (target, got) = echo().await;
        Self { proxy: FaultProxy::start(target.to_string()).await.expect("a proxy"), got }
    }
    async fn connect(&self) -> TcpStream {
        connect(&self.proxy).await.expect("a connection")
    }
}

async fn connect(proxy: &FaultProxy) -> std::io::Result<TcpStream> {
    TcpStream::connect(proxy.address()).await
}
/// The kind of error with which a new connection ends: while it is made, or at the first read.
async fn fate_of_new(proxy: &FaultProxy) -> ErrorKind {
    match connect(proxy).await {
        Ok(mut socket) => fate(&mut socket).await,
        Err(error) => error.kind(),
    }
}
async fn say(socket: &mut TcpStream, text: &[u8]) {
    socket.write_all(text).await.expect("sent");
}
async fn hear(socket: &mut TcpStream, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    timeout(PATIENCE, socket.read_exact(&mut bytes)).await.expect("in time").map(|_| bytes)
}
async fn is_silent(socket: &mut TcpStream) -> bool {
    timeout(SILENCE, socket.read_u8()).await.is_err()
}
/// The kind of error that a reader sees.
async fn fate(socket: &mut TcpStream) -> ErrorKind {
    hear(socket, 1).await.expect_err("an end").kind()
}

#[tokio::test]
async fn passes_everything_and_the_end_of_it() {
    let bench = Bench::new().await;
    let mut socket = bench.connect().await;
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut read, mut write) = socket.split();
    let (mut heard, all) = (Vec::new(), bytes.clone());
    let sent = async {
        write.write_all(&all).await.expect("sent");
        write.shutdown().await.expect("ended");
    };
    let got =
        async { timeout(PATIENCE, copy(&mut read, &mut heard)).await.expect("in time").expect("all of it") };
    futures::join!(sent, got);
    assert!(heard == bytes, "{} bytes came back", heard.len());
    assert_eq!(bench.proxy.accepted(), 1);
}

#[tokio::test]
async fn slows_both_ways() {
    let bench = Bench::new().await;
    let mut socket = bench.connect().await;
    let latency = Duration::from_millis(100);
    bench.proxy.set(Mode::Slow { latency, bytes_per_second: 1 << 30 });
    let started = Instant::now();
    say(&mut socket, b"late").await;
    assert_eq!(hear(&mut socket, 4).await.expect("an echo"), b"late");
    assert!(started.elapsed() >= 2 * latency, "{:?}", started.elapsed());

    bench.proxy.set(Mode::Slow { latency: Duration::ZERO, bytes_per_second: 100_000 });
    let started = Instant::now();
    say(&mut socket, &[7; 30_000]).await;
    hear(&mut socket, 30_000).await.expect("an echo");
    assert!(started.elapsed() >= Duration::from_millis(280), "{:?}", started.elapsed());

    bench.proxy.set(Mode::Slow { latency: Duration::from_secs(3600), bytes_per_second: 1 });
    say(&mut socket, b"!").await;
    assert!(is_silent(&mut socket).await);
    bench.proxy.set(Mode::Pass);
    assert_eq!(
        hear(&mut socket, 1).await.expect("an echo"),
        b"!",
        "another mode holds for what is under way"
    );
}

#[tokio::test]
async fn cuts_what_is_there_and_what_comes() {
    let bench = Bench::new().await;
    let mut old = bench.connect().await;
    say(&mut old, b"a").await;
    hear(&mut old, 1).await.expect("an echo");
    bench.proxy.set(Mode::Cut);
    assert_eq!(fate(&mut old).await, ErrorKind::ConnectionReset);
    for _ in 0..3 {
        assert_eq!(fate_of_new(&bench.proxy).await, ErrorKind::ConnectionReset);
    }
    bench.proxy.set(Mode::Pass);
    let mut new = bench.connect().await;
    say(&mut new, b"b").await;
    assert_eq!(hear(&mut new, 1).await.expect("an echo"), b"b");
}

#[tokio::test]
async fn resets_once() {
    let bench = Bench::new().await;
    let mut old = bench.connect().await;
    say(&mut old, b"a").await;
    hear(&mut old, 1).await.expect("an echo");
    bench.proxy.reset();
    assert_eq!(fate(&mut old).await, ErrorKind::ConnectionReset);
    let mut new = bench.connect().await;
    say(&mut new, b"b").await;
    assert_eq!(hear(&mut new, 1).await.expect("an echo"), b"b");
}

#[tokio::test]
async fn half_open_holds_what_it_should_and_no_more() {
    let mut bench = Bench::new().await;
    let mut socket = bench.connect().await;
    bench.proxy.set(Mode::HalfOpen(Some(Direction::ToClient)));
    say(&mut socket, b"one").await;
    assert_eq!(timeout(PATIENCE, bench.got.recv()).await.expect("in time").expect("bytes"), b"one");
    assert!(is_silent(&mut socket).await, "the target heard it, and its answer is held");
    bench.proxy.set(Mode::Pass);
    assert_eq!(hear(&mut socket, 3).await.expect("an echo"), b"one", "nothing is lost when the line is back");

    bench.proxy.set(Mode::HalfOpen(Some(Direction::ToTarget)));
    say(&mut socket, b"two").await;
    assert!(timeout(SILENCE, bench.got.recv()).await.is_err(), "the target hears nothing");
    bench.proxy.set(Mode::HalfOpen(None));
    assert!(is_silent(&mut socket).await);
    // A connection that is made meanwhile hangs as well.
    let mut new = bench.connect().await;
    say(&mut new, b"three").await;
    assert!(is_silent(&mut new).await);
    bench.proxy.set(Mode::Pass);
    assert_eq!(hear(&mut socket, 3).await.expect("an echo"), b"two");
    assert_eq!(hear(&mut new, 5).await.expect("an echo"), b"three");
}

#[tokio::test]
async fn a_target_that_is_away_looks_reset_until_it_comes() {
    let held = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = held.local_addr().expect("an address");
    drop(held);
    let proxy = FaultProxy::start(target.to_string()).await.expect("a proxy");
    assert_eq!(fate_of_new(&proxy).await, ErrorKind::ConnectionReset);
    let listener = TcpListener::bind(target).await.expect("the port again");
    let mut socket = connect(&proxy).await.expect("a connection");
    let (mut server, _) = timeout(PATIENCE, listener.accept()).await.expect("in time").expect("a connection");
    say(&mut server, b"hi").await;
    assert_eq!(hear(&mut socket, 2).await.expect("bytes"), b"hi");
    drop(proxy);
    assert_eq!(fate(&mut socket).await, ErrorKind::ConnectionReset);
}
