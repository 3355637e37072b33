//! A rebuild, as its caller holds it.

use super::{
    apply, ended,
    writer::{Command, Target},
};
use async_trait::async_trait;
use segue_ports::index::{IndexError, Rebuild, Write};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// While it lives, the writer writes to the index beside, too.
pub(super) struct Beside {
    number: u64,
    writer: mpsc::Sender<Command>,
    _alive: Arc<()>,
}

impl Beside {
    pub(super) fn new((number, alive): (u64, Arc<()>), writer: mpsc::Sender<Command>) -> Self {
        Self { number, writer, _alive: alive }
    }
}

#[async_trait]
impl Rebuild for Beside {
    async fn apply(&mut self, writes: &[Write]) -> Result<(), IndexError> {
        apply(&self.writer, Target::Beside(self.number), writes).await
    }

    async fn finish(self: Box<Self>) -> Result<(), IndexError> {
        // Takes a while, in which writes go on to be applied.
        let (done, wait) = oneshot::channel();
        let compact = Command::Compact { number: self.number, done };
        self.writer.send(compact).await.map_err(|_| ended())?;
        if let Some(compaction) = wait.await.map_err(|_| ended())??
            && let Err(error) = compaction.done().await
        {
            tracing::warn!(%error, "the new index is left in several segments");
        }
        let (done, wait) = oneshot::channel();
        let finish = Command::Finish { number: self.number, done };
        self.writer.send(finish).await.map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }
}
