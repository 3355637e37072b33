//! A way to the server that can be cut without a word, as a broken switch does.

use std::sync::Arc;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

pub(crate) struct Wire {
    port: u16,
    cut: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to `address`.
    pub(crate) async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::<Notify>::default();
        let (cuts, mut open) = (cut.clone(), Vec::new());
        let task = tokio::spawn(async move {
            let ended = cuts.notified();
            tokio::pin!(ended);
            loop {
                let (mut near, _) = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap(),
                    // Sockets stay open and carry nothing any more: neither end hears of it.
                    () = &mut ended => break,
                };
                let mut far = TcpStream::connect(&address).await.unwrap();
                let stop = cuts.clone();
                open.push(tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = stop.notified() => std::future::pending().await,
                    }
                }));
            }
            std::future::pending::<()>().await;
        });
        Self { port, cut, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing passes.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}
