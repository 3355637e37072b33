//! A subscriber's end of the broadcast: a queue of its own for each connection.
//!
//! The broker ends it with the connection, so nothing is left behind by a process that died. Its name is made here and
//! fresh each time: after a reconnect the old one may still be there for a moment.

use super::{Core, MISSED, limit::within, link::Session, wire::Arrived};
use async_trait::async_trait;
use futures::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use segue_ports::bus::{BusError, Heard, Listener};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages that a slow listener may be behind before it hears a gap.
const CAPACITY: usize = 1024;
/// Pause before a lost subscription is opened again on a connection that lives.
const PAUSE: Duration = Duration::from_millis(500);

struct Open {
    consumer: lapin::Consumer,
    _channel: Channel,
}

#[derive(Debug)]
pub(super) struct RabbitListener {
    core: Arc<Core>,
    heard: broadcast::Receiver<Heard>,
    _stop: DropGuard,
    _bus: Arc<DropGuard>,
}

impl RabbitListener {
    pub(super) async fn open(
        core: Arc<Core>,
        bus: Arc<DropGuard>,
        topics: &[&str],
    ) -> Result<Self, BusError> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        if topics.iter().any(|topic| topic.len() > 255) {
            return Err(BusError::Refused("a topic has at most 255 bytes".into()));
        }
        let session = core.consuming.session_within(core.limit).await?;
        let open = subscribe(&core, &session, &topics).await?;
        let (sender, heard) = broadcast::channel(CAPACITY);
        let stop = CancellationToken::new();
        let ear = Ear { core: core.clone(), topics, heard: sender, stop: stop.clone() };
        core.tasks.spawn(ear.run(open));
        Ok(Self { core, heard, _stop: stop.drop_guard(), _bus: bus })
    }
}

#[async_trait]
impl Listener for RabbitListener {
    /// Waits also while the broker is away; then hears a gap.
    async fn next(&mut self) -> Result<Heard, BusError> {
        let heard = tokio::select! {
            biased;
            () = self.core.closing.cancelled() => return Err(BusError::Closed),
            heard = self.heard.recv() => heard,
        };
        match heard {
            Ok(heard) => Ok(heard),
            Err(RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "listener fell behind");
                Ok(Heard::Gap)
            }
            Err(RecvError::Closed) => Err(BusError::Closed),
        }
    }
}

async fn subscribe(core: &Core, session: &Session, topics: &[String]) -> Result<Open, BusError> {
    let channel = session.channel().await?;
    core.topology.exchanges(&channel).await?;
    let names = &core.topology.names;
    let queue = names.broadcast(&uuid::Uuid::new_v4().simple().to_string());
    // Without a limit of length, because what the broker drops nobody hears of: a process that does not read is cut
    // off by its missing heartbeats, and the queue goes with it.
    let declared = channel.queue_declare(
        queue.clone().into(),
        QueueDeclareOptions::exclusive().auto_delete(),
        FieldTable::default(),
    );
    within(core.limit, "declaring a broadcast queue", declared).await?;
    let everywhere = topics
        .iter()
        .flat_map(|topic| [(names.events(), topic.as_str()), (names.announcements(), topic.as_str())]);
    for (exchange, topic) in everywhere.chain([(names.announcements(), MISSED)]) {
        let bound = channel.queue_bind(
            queue.clone().into(),
            exchange.into(),
            topic.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        within(core.limit, "binding a broadcast queue", bound).await?;
    }
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
    let consumed = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
    let consumer = within(core.limit, "listening", consumed).await?;
    Ok(Open { consumer, _channel: channel })
}

struct Ear {
    core: Arc<Core>,
    topics: Vec<String>,
    heard: broadcast::Sender<Heard>,
    stop: CancellationToken,
}

impl Ear {
    async fn run(self, first: Open) {
        let work = async {
            let mut open = first;
            loop {
                while let Some(Ok(mut delivery)) = open.consumer.next().await {
                    let message = Arrived::take(&mut delivery).message;
                    self.say(if message.topic == MISSED { Heard::Gap } else { Heard::Message(message) });
                }
                tracing::warn!("broadcasts are not heard");
                open = self.again().await;
                self.say(Heard::Gap);
                tracing::info!("broadcasts are heard again");
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = self.core.closing.cancelled() => {}
            () = work => {}
        }
    }

    fn say(&self, heard: Heard) {
        // An error only says that the listener is gone, and this task ends in a moment.
        let _ = self.heard.send(heard);
    }

    async fn again(&self) -> Open {
        let mut link = self.core.consuming.clone();
        loop {
            let session = link.session().await;
            match subscribe(&self.core, &session, &self.topics).await {
                Ok(open) => return open,
                Err(error) => {
                    tracing::warn!(%error, "cannot listen to the broker");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
