//! A bus that remembers what was published, and fails when it is told to.

use async_trait::async_trait;
use segue_ports::bus::{Bus, BusError, DeadLetter, Listener, Message, WorkConsumer, WorkQueue};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) heard: Mutex<Vec<(Instant, Message)>>,
    /// How many publishes fail from now on.
    pub(crate) failures: AtomicU32,
    /// With so many messages it takes no more, and lets whoever publishes wait; 0 for no bound.
    pub(crate) full: AtomicUsize,
    /// The most messages that came at once.
    pub(crate) largest: AtomicUsize,
}

impl Recorder {
    /// Ids in the order in which they came, with repeats.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(_, message)| message.id.clone()).collect()
    }

    pub(crate) fn last(&self) -> Message {
        self.heard.lock().unwrap().last().unwrap().1.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// Waits for that many messages, repeats included.
    pub(crate) async fn hears(&self, count: usize) {
        self.until("messages", Duration::from_secs(20), |heard| heard.len() >= count).await;
    }

    /// Waits until each of these was heard.
    pub(crate) async fn hears_all<'a>(&self, ids: impl IntoIterator<Item = &'a String>) {
        let mut missing: HashSet<String> = ids.into_iter().cloned().collect();
        let mut seen = 0;
        let all = |heard: &[(Instant, Message)]| {
            for (_, message) in &heard[seen..] {
                missing.remove(&message.id);
            }
            seen = heard.len();
            missing.is_empty()
        };
        self.until("all facts", Duration::from_secs(90), all).await;
    }

    async fn until(&self, what: &str, long: Duration, mut done: impl FnMut(&[(Instant, Message)]) -> bool) {
        let enough = async {
            while !done(&self.heard.lock().unwrap()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(long, enough).await.is_err() {
            panic!("{what} did not arrive in time; {} messages did", self.count());
        }
    }

    /// Ids per subject, each where it was heard first.
    pub(crate) fn first_heard(&self) -> HashMap<String, Vec<String>> {
        let mut known = HashSet::new();
        let mut subjects: HashMap<String, Vec<String>> = HashMap::new();
        for (_, message) in self.heard.lock().unwrap().iter() {
            if known.insert(message.id.clone()) {
                subjects.entry(message.key.clone()).or_default().push(message.id.clone());
            }
        }
        subjects
    }
}

#[async_trait]
impl Bus for Recorder {
    async fn declare(&self, _: &WorkQueue) -> Result<(), BusError> {
        Ok(())
    }
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        let fails = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(BusError::unavailable("the bus is away"));
        }
        while matches!(self.full.load(Ordering::SeqCst), full if full > 0 && self.count() >= full) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.largest.fetch_max(messages.len(), Ordering::SeqCst);
        let now = Instant::now();
        self.heard.lock().unwrap().extend(messages.into_iter().map(|message| (now, message)));
        Ok(())
    }
    async fn consume(&self, _: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        Err(BusError::Closed)
    }
    fn announce(&self, _: Message) {}
    async fn listen(&self, _: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        Err(BusError::Closed)
    }
    async fn dead_letters(&self, _: &str) -> Result<Vec<DeadLetter>, BusError> {
        Ok(Vec::new())
    }
}
