//! A fact on its way.

use segue_domain::Timestamp;
use segue_ports::bus::Message;
use segue_store::Outbox;

/// A row of an outbox table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Where it was written.
    pub(crate) outbox: Outbox,
    /// When it happened, by the clock of who wrote it.
    pub(crate) created_at: Timestamp,
    /// What is published.
    pub(crate) message: Message,
}
