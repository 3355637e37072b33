//! A relay in front of a server, which loses what it is told to lose.

use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Duration, timeout},
};

/// What happens to a connection when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It goes through.
    Open,
    /// It ends at once, and so do those that are there.
    Closed,
    /// What is asked gets through; the answer is lost with the connection, this one time.
    LosesOneAnswer,
    /// Of the answer come 100,000 bytes, this one time; then the connection ends.
    CutsOneAnswer,
    /// Of the answer come 100,000 bytes, this one time; then nothing more.
    StallsOneAnswer,
    /// It stays, as do those that are there, and nothing comes through.
    Silent,
}

/// The relay; ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) address: String,
    way: Arc<watch::Sender<Way>>,
}

impl Relay {
    /// Listens on a free port for `target` (`host:port`).
    pub(crate) async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let relay = Self { address, way: Arc::new(watch::Sender::new(Way::Open)) };
        let (way, target) = (relay.way.clone(), target.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target.clone(), way.clone()));
            }
        });
        relay
    }
    /// Changes the way.
    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn serve(mut client: TcpStream, target: String, way: Arc<watch::Sender<Way>>) {
    let mut mine = Way::Open;
    way.send_if_modified(|way| {
        mine = *way;
        let once = matches!(way, Way::LosesOneAnswer | Way::CutsOneAnswer | Way::StallsOneAnswer);
        if once {
            *way = Way::Open;
        }
        once
    });
    let mut state = way.subscribe();
    let keep = match mine {
        Way::Open => usize::MAX,
        Way::Closed => return,
        Way::Silent => return hold(&mut state).await,
        Way::LosesOneAnswer => 0,
        Way::CutsOneAnswer | Way::StallsOneAnswer => 100_000,
    };
    let mut server = TcpStream::connect(target).await.expect("the server is there");
    if mine == Way::Open {
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = state.wait_for(|way| matches!(way, Way::Closed | Way::Silent)) => {}
        }
        return hold(&mut state).await;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let ask = tokio::io::copy(&mut from_client, &mut to_server);
    let answer = async {
        let mut piece = vec![0; 64 << 10];
        let mut left = keep;
        loop {
            // What the server does is done when it begins to answer.
            let read = from_server.read(&mut piece).await.unwrap_or(0);
            let taken = read.min(left);
            left -= taken;
            let _ = to_client.write_all(&piece[..taken]).await;
            if left == 0 || read == 0 {
                break;
            }
        }
    };
    let both = async {
        tokio::select! { _ = ask => {}, () = answer => {} }
    };
    let _ = timeout(Duration::from_secs(10), both).await;
    if mine == Way::StallsOneAnswer {
        std::future::pending::<()>().await;
    }
}

/// Keeps a connection while the way is silent.
async fn hold(state: &mut watch::Receiver<Way>) {
    let _ = state.wait_for(|way| *way != Way::Silent).await;
}
