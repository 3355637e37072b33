//! A proxy in front of PostgreSQL that knows one word of its protocol: COMMIT.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::sleep,
};

/// What becomes of the next COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    None,
    /// The server never gets it, and the client never gets an answer.
    CutBefore,
    /// The server has answered it, and the client never gets the answer.
    CutAfter,
    /// The client is cut off, and the server gets it half a second later.
    Late,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: String,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn start(server: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let next = Arc::new(AtomicU8::new(Fault::None as u8));
        let faults = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults) = (server.clone(), faults.clone());
                tokio::spawn(async move {
                    // Ends with an error when either side hangs up.
                    let _ = serve(client, &server, &faults).await;
                });
            }
        });
        Ok(Self { address, next })
    }

    /// The next COMMIT, of whichever connection, is treated so; those after it pass.
    pub(crate) fn arm(&self, fault: Fault) {
        self.next.store(fault as u8, Ordering::SeqCst);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.next.load(Ordering::SeqCst) == Fault::None as u8
    }
}

async fn serve(client: TcpStream, server: &str, faults: &AtomicU8) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let armed = tokio::select! {
        armed = requests(&mut from_client, &mut to_server, faults) => armed?,
        done = copy(&mut from_server, &mut to_client) => return done.map(drop),
    };
    let Some((fault, commit)) = armed else { return Ok(()) };
    match fault {
        Fault::CutBefore | Fault::None => {}
        Fault::CutAfter => {
            to_server.write_all(&commit).await?;
            from_server.read_u8().await?;
        }
        Fault::Late => {
            drop((from_client, to_client));
            sleep(Duration::from_millis(500)).await;
            to_server.write_all(&commit).await?;
            from_server.read_u8().await?;
        }
    }
    Ok(())
}

/// Passes messages on until a COMMIT that a fault is armed for, which it returns unsent.
async fn requests(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    faults: &AtomicU8,
) -> io::Result<Option<(Fault, Vec<u8>)>> {
    // The first message has no type.
    let mut kind = Vec::new();
    loop {
        let Ok(length) = from.read_u32().await else { return Ok(None) };
        let mut body = vec![0; length as usize - 4];
        from.read_exact(&mut body).await?;
        let message = [&kind[..], &length.to_be_bytes(), &body].concat();
        if kind == b"Q" && body.starts_with(b"COMMIT") {
            let armed = faults.swap(Fault::None as u8, Ordering::SeqCst);
            let all = [Fault::CutBefore, Fault::CutAfter, Fault::Late];
            if let Some(fault) = all.into_iter().find(|fault| *fault as u8 == armed) {
                return Ok(Some((fault, message)));
            }
        }
        to.write_all(&message).await?;
        kind = match from.read_u8().await {
            Ok(byte) => vec![byte],
            Err(_) => return Ok(None),
        };
    }
}
