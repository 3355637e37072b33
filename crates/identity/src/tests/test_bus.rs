//! A bus that only broadcasts, and can be cut.

use async_trait::async_trait;
use prost::Message as _;
use segue_ports::bus::{Bus, BusError, DeadLetter, Heard, Listener, Message, WorkConsumer, WorkQueue};
use segue_proto::event::v1::Event;
use tokio::sync::broadcast;

#[derive(Debug)]
pub(crate) struct TestBus(broadcast::Sender<Heard>);

impl Default for TestBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl TestBus {
    pub(crate) fn say(&self, event: &Event) {
        let message = Message {
            id: event.id.clone(),
            topic: event.r#type.clone(),
            key: event.subject.clone(),
            payload: event.encode_to_vec().into(),
            traceparent: None,
        };
        self.hear(Heard::Message(message));
    }
    pub(crate) fn hear(&self, heard: Heard) {
        let _ = self.0.send(heard);
    }
    pub(crate) fn listeners(&self) -> usize {
        self.0.receiver_count()
    }
}

struct TestListener(broadcast::Receiver<Heard>, Vec<String>);

#[async_trait]
impl Listener for TestListener {
    async fn next(&mut self) -> Result<Heard, BusError> {
        loop {
            match self.0.recv().await.map_err(|_| BusError::Closed)? {
                Heard::Message(m) if !self.1.contains(&m.topic) => {}
                heard => return Ok(heard),
            }
        }
    }
}

#[async_trait]
impl Bus for TestBus {
    async fn declare(&self, _: &WorkQueue) -> Result<(), BusError> {
        Ok(())
    }
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        messages.into_iter().for_each(|m| self.announce(m));
        Ok(())
    }
    async fn consume(&self, _: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        Err(BusError::Closed)
    }
    fn announce(&self, message: Message) {
        self.hear(Heard::Message(message));
    }
    async fn listen(&self, topics: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        Ok(Box::new(TestListener(self.0.subscribe(), topics.iter().map(|t| (*t).to_owned()).collect())))
    }
    async fn dead_letters(&self, _: &str) -> Result<Vec<DeadLetter>, BusError> {
        Ok(Vec::new())
    }
}
