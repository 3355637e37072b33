//! Publishing with confirms: at most a window of messages is on its way, and what a lost connection left unconfirmed
//! is published again on the next.

mod flight;
mod task;
mod ticket;

use super::{link::Link, topology::Topology};
use bytes::Bytes;
use lapin::{BasicProperties, types::ShortString};
use segue_ports::bus::BusError;
use std::{sync::Arc, time::Duration};
use task::Task;
use ticket::Ticket;
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A message with its way.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) exchange: ShortString,
    pub(super) key: ShortString,
    /// Arriving nowhere is a fault.
    pub(super) mandatory: bool,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
}

/// Messages that stand and fall together.
struct Call {
    messages: Vec<Outgoing>,
    ticket: Arc<Ticket>,
}

/// What a publisher is made of.
pub(super) struct Setting {
    pub(super) link: Link,
    pub(super) topology: Arc<Topology>,
    /// Unconfirmed messages. The client library cannot say surely which confirm a returned message belongs to when
    /// there are several; with a window of one it is sure.
    pub(super) window: usize,
    /// Calls that wait for the task.
    pub(super) capacity: usize,
    /// How long nothing may be confirmed.
    pub(super) limit: Duration,
    /// Told when something that was [offered](Publisher::offer) is lost.
    pub(super) lost: Arc<Notify>,
    pub(super) ended: CancellationToken,
}

/// The way to a publisher's task.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    calls: mpsc::Sender<Call>,
    limit: Duration,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} messages)", self.messages.len())
    }
}

impl Publisher {
    pub(super) fn start(setting: Setting, tasks: &TaskTracker) -> Self {
        let (calls, waiting) = mpsc::channel(setting.capacity);
        let publisher = Self { calls, limit: setting.limit };
        tasks.spawn(Task::new(setting, waiting).run());
        publisher
    }

    /// Publishes in order; `Ok` when all of it is confirmed. Fails when nothing was confirmed for as long as the
    /// limit says; what arrived until then stays there.
    pub(super) async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BusError> {
        if messages.is_empty() {
            return Ok(());
        }
        let (ticket, answer) = Ticket::new(messages.len());
        let sent = self.calls.send_timeout(Call { messages, ticket }, self.limit).await;
        match sent {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                return Err(BusError::unavailable("too much waits to be published"));
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(BusError::Closed),
        }
        answer.await.unwrap_or(Err(BusError::Closed))
    }

    /// Publishes when there is room, and tells nobody how it went; false when there is no room.
    pub(super) fn offer(&self, message: Outgoing) -> bool {
        self.calls.try_send(Call { messages: vec![message], ticket: Ticket::silent() }).is_ok()
    }
}
