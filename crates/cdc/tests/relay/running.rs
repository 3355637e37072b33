//! A relay at work.

use segue_cdc::{Relay, RelayError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Running {
    pub(crate) fn new(relay: Relay) -> Self {
        let shutdown = CancellationToken::new();
        Self { shutdown: shutdown.clone(), task: tokio::spawn(relay.run(shutdown)) }
    }

    /// In good order.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// At once, wherever it is.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }

    /// Waits for an end that it finds by itself.
    pub(crate) async fn ended(mut self) -> Result<Result<(), RelayError>, tokio::task::JoinError> {
        (&mut self.task).await
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        self.task.abort();
    }
}
