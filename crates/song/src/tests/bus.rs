//! A bus in memory: queues that forget nothing but their backoff.

use async_trait::async_trait;
use segue_ports::bus::{
    Bus, BusError, DeadLetter, Delivery, Heard, Listener, Message, WorkConsumer, WorkQueue, topic_matches,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, broadcast};

/// Messages and how often they failed.
type Waiting = VecDeque<(Message, u32)>;

#[derive(Debug)]
struct FakeBus {
    queues: Mutex<HashMap<&'static str, (WorkQueue, Waiting)>>,
    dead: Mutex<Vec<DeadLetter>>,
    acked: Mutex<u64>,
    arrived: Notify,
    ears: broadcast::Sender<Heard>,
}

/// The bus and the deliveries share it.
#[derive(Debug)]
pub(super) struct Shared(Arc<FakeBus>);

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        let (ears, _) = broadcast::channel(64);
        let inner = FakeBus {
            queues: Mutex::default(),
            dead: Mutex::default(),
            acked: Mutex::default(),
            arrived: Notify::new(),
            ears,
        };
        Arc::new(Self(Arc::new(inner)))
    }
    pub(super) fn gap(&self) {
        let _ = self.0.ears.send(Heard::Gap);
    }
    pub(super) fn acked(&self) -> u64 {
        *self.0.acked.lock().unwrap()
    }
    pub(super) fn dead(&self) -> Vec<DeadLetter> {
        self.0.dead.lock().unwrap().clone()
    }
}

struct Consumer(Arc<FakeBus>, &'static str);
struct Ear(broadcast::Receiver<Heard>, Vec<String>);
struct Held(Arc<FakeBus>, &'static str, Message, u32);

#[async_trait]
impl Bus for Shared {
    async fn declare(&self, queue: &WorkQueue) -> Result<(), BusError> {
        self.0.queues.lock().unwrap().entry(queue.name).or_insert_with(|| (queue.clone(), VecDeque::new()));
        Ok(())
    }
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        for message in messages {
            for (queue, waiting) in self.0.queues.lock().unwrap().values_mut() {
                if queue.topics.iter().any(|t| topic_matches(t, &message.topic)) {
                    waiting.push_back((message.clone(), 0));
                }
            }
            self.announce(message);
        }
        self.0.arrived.notify_waiters();
        Ok(())
    }
    async fn consume(&self, queue: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        self.declare(queue).await?;
        Ok(Box::new(Consumer(self.0.clone(), queue.name)))
    }
    fn announce(&self, message: Message) {
        let _ = self.0.ears.send(Heard::Message(message));
    }
    async fn listen(&self, topics: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        Ok(Box::new(Ear(self.0.ears.subscribe(), topics.iter().map(|t| (*t).to_owned()).collect())))
    }
    async fn dead_letters(&self, queue: &str) -> Result<Vec<DeadLetter>, BusError> {
        Ok(self.dead().into_iter().filter(|d| d.queue == queue).collect())
    }
}

#[async_trait]
impl WorkConsumer for Consumer {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError> {
        loop {
            let arrived = self.0.arrived.notified();
            let next =
                self.0.queues.lock().unwrap().get_mut(self.1).and_then(|(_, waiting)| waiting.pop_front());
            if let Some((message, failures)) = next {
                return Ok(Box::new(Held(self.0.clone(), self.1, message, failures)));
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), arrived).await;
        }
    }
}

#[async_trait]
impl Listener for Ear {
    async fn next(&mut self) -> Result<Heard, BusError> {
        loop {
            match self.0.recv().await {
                Ok(Heard::Message(m)) if !self.1.iter().any(|t| topic_matches(t, &m.topic)) => {}
                Ok(heard) => return Ok(heard),
                Err(broadcast::error::RecvError::Lagged(_)) => return Ok(Heard::Gap),
                Err(broadcast::error::RecvError::Closed) => return Err(BusError::Closed),
            }
        }
    }
}

impl Held {
    fn back(self, failures: u32) {
        let mut queues = self.0.queues.lock().unwrap();
        let (_, waiting) = queues.get_mut(self.1).unwrap();
        waiting.push_back((self.2, failures));
    }
}

#[async_trait]
impl Delivery for Held {
    fn message(&self) -> &Message {
        &self.2
    }
    fn attempt(&self) -> u32 {
        self.3 + 1
    }
    fn last_attempt(&self) -> bool {
        self.3 + 1 >= 3
    }
    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        *self.0.acked.lock().unwrap() += 1;
        Ok(())
    }
    async fn fail(self: Box<Self>, reason: &str) -> Result<(), BusError> {
        if self.last_attempt() {
            let dead = DeadLetter {
                id: self.2.id.clone(),
                queue: self.1.to_owned(),
                message: self.2.clone(),
                reason: reason.to_owned(),
                failures: 3,
            };
            self.0.dead.lock().unwrap().push(dead);
        } else {
            let failures = self.3 + 1;
            self.back(failures);
        }
        Ok(())
    }
    async fn release(self: Box<Self>, _: Duration) -> Result<(), BusError> {
        let failures = self.3;
        self.back(failures);
        Ok(())
    }
}
