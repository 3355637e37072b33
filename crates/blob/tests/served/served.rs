//! A directory engine behind a real socket.

use segue_blob::{Directory, DirectoryConfig, SecretKey};
use segue_domain::SystemClock;
use std::{path::Path, sync::Arc};

/// An engine and the address it listens on.
pub(crate) struct Served {
    pub(crate) directory: Directory,
    pub(crate) origin: String,
    server: tokio::task::JoinHandle<()>,
}

/// The configuration of an engine in `folder`, with the same key at every call.
pub(crate) fn config(folder: &Path) -> DirectoryConfig {
    let key = SecretKey::from_base64("c2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXktc2VndWUtdGVzdC1rZXk=")
        .expect("a key");
    DirectoryConfig::new(folder, key)
}

/// Opens the engine and serves it on a free port.
pub(crate) async fn serve(config: DirectoryConfig) -> Served {
    let directory = Directory::open(config, Arc::new(SystemClock)).await.expect("the folder opens");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let router = directory.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    Served { directory, origin, server }
}

impl Served {
    /// Stops the server, so that the folder can be opened again.
    pub(crate) async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }
}
