//! A relay that writes down which paths are asked for, and can be slow.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// A running relay to one target. Connections end with the process.
pub struct Watched {
    address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
    pause_us: Arc<AtomicU64>,
}

impl Watched {
    /// Relays a free loopback port to `target` (`host:port`).
    ///
    /// # Panics
    /// Without a free port.
    pub fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (paths, pause_us) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicU64>::default());
        let (target, seen, pause) = (target.to_owned(), Arc::clone(&paths), Arc::clone(&pause_us));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, seen, pause) = (target.clone(), Arc::clone(&seen), Arc::clone(&pause));
                thread::spawn(move || relay(client, &target, &seen, &pause));
            }
        });
        Self { address, paths, pause_us }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds each request for so long.
    pub fn slow(&self, pause: Duration) {
        self.pause_us.store(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The paths that were asked for by HTTP/1.1 since the last call, in order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.paths.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn relay(client: TcpStream, target: &str, seen: &Mutex<Vec<String>>, pause: &AtomicU64) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let (Ok(mut from_server), Ok(mut to_client)) = (server.try_clone(), client.try_clone()) else { return };
    thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let (mut client, mut server) = (client, server);
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read) = client.read(&mut buffer) {
        if read == 0 {
            break;
        }
        // A request without a body fits into one segment of the loopback network.
        if let Some(path) = path(&buffer[..read]) {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(path);
            thread::sleep(Duration::from_micros(pause.load(Ordering::Relaxed)));
        }
        if server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}

fn path(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    Some(line.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?.to_owned())
}
