//! A subscriber's end of the broadcast.

use async_trait::async_trait;
use segue_ports::bus::{BusError, Heard, Listener, Message, topic_matches};
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(crate) struct EmbeddedListener {
    receiver: Receiver<Arc<Message>>,
    topics: Vec<String>,
    closed: CancellationToken,
}

impl EmbeddedListener {
    pub(crate) fn new(receiver: Receiver<Arc<Message>>, topics: &[&str], closed: CancellationToken) -> Self {
        Self { receiver, topics: topics.iter().map(|&t| t.to_owned()).collect(), closed }
    }
}

#[async_trait]
impl Listener for EmbeddedListener {
    async fn next(&mut self) -> Result<Heard, BusError> {
        loop {
            let heard = tokio::select! {
                biased;
                () = self.closed.cancelled() => return Err(BusError::Closed),
                heard = self.receiver.recv() => heard,
            };
            match heard {
                Ok(message) if self.topics.iter().any(|t| topic_matches(t, &message.topic)) => {
                    return Ok(Heard::Message(Arc::unwrap_or_clone(message)));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "listener fell behind");
                    return Ok(Heard::Gap);
                }
                Err(RecvError::Closed) => return Err(BusError::Closed),
            }
        }
    }
}
