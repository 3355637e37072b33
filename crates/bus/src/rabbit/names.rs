//! Names on the broker.

use segue_ports::bus::{BusError, WorkQueue};

/// Longest name of a work queue and longest topic, bytes: AMQP's short strings have 255.
const LONGEST: usize = 150;

/// Names under a prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Topic exchange of what is published.
    pub(super) fn events(&self) -> String {
        format!("{}events", self.prefix)
    }

    /// Topic exchange of what is only announced: work queues are not bound to it.
    pub(super) fn announcements(&self) -> String {
        format!("{}announcements", self.prefix)
    }

    pub(super) fn work(&self, queue: &str) -> String {
        format!("{}{queue}", self.prefix)
    }

    pub(super) fn dead(&self, queue: &str) -> String {
        format!("{}{queue}.dead", self.prefix)
    }

    /// Messages wait so long in it and return to the work queue. Named by its time, so that another backoff is
    /// another queue and not a conflict; the old one runs empty by itself.
    pub(super) fn wait(&self, queue: &str, ttl_ms: u64) -> String {
        format!("{}{queue}.retry.{ttl_ms}", self.prefix)
    }

    pub(super) fn broadcast(&self, unique: &str) -> String {
        format!("{}broadcast.{unique}", self.prefix)
    }

    /// Refuses names that the broker, or one of our own queues, could not bear.
    pub(super) fn check(&self, queue: &WorkQueue) -> Result<(), BusError> {
        let name = queue.name;
        let taken = name.ends_with(".dead") || name.contains(".retry.") || name.starts_with("broadcast.");
        if name.is_empty() || name.len() > LONGEST || taken {
            return Err(BusError::Refused(format!("{name:?} cannot be the name of a work queue")));
        }
        match queue.topics.iter().find(|topic| topic.len() > LONGEST) {
            Some(topic) => Err(BusError::Refused(format!("topic {topic:?} is longer than {LONGEST} bytes"))),
            None => Ok(()),
        }
    }
}
