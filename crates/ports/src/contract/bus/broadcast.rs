//! What listeners hear.

use super::{Engine, PATIENCE, SILENCE, message, next, nothing, work};
use crate::bus::{Heard, Listener};

async fn heard(listener: &mut Box<dyn Listener>) -> Heard {
    let heard = tokio::time::timeout(PATIENCE, listener.next()).await;
    heard.expect("something is heard in time").expect("the bus is open")
}

pub(super) async fn reaches_every_listener(engine: Box<dyn Engine>) {
    let bus = engine.bus();
    bus.publish(vec![message("before", "song.ready.v1")]).await.expect("published");
    let mut songs = bus.listen(&["song.#"]).await.expect("listener");
    let mut all = bus.listen(&["song.*.v1", "progress.#"]).await.expect("listener");
    bus.publish(vec![message(1, "song.ready.v1"), message(2, "user.deleted.v1")]).await.expect("published");
    bus.announce(message(3, "progress.encoding"));
    bus.publish(vec![message(4, "song.failed.v1")]).await.expect("published");
    for id in [1, 4] {
        assert_eq!(heard(&mut songs).await.id(), Some(format!("id-{id}")));
    }
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(heard(&mut all).await.id().expect("a message"));
    }
    ids.sort();
    assert_eq!(ids, ["id-1", "id-3", "id-4"]);
    assert!(tokio::time::timeout(SILENCE, songs.next()).await.is_err(), "nothing else is heard");
}

pub(super) async fn stores_no_announcement(engine: Box<dyn Engine>) {
    let (bus, queue) = (engine.bus(), work("announce", &["#"], 1));
    let mut consumer = bus.consume(&queue).await.expect("consumer");
    bus.announce(message(1, "progress.encoding"));
    let mut late = bus.listen(&["#"]).await.expect("listener");
    nothing(&mut consumer).await;
    bus.publish(vec![message(2, "song.ready.v1")]).await.expect("published");
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.message().id, "id-2");
    delivery.ack().await.expect("acknowledged");
    assert_eq!(heard(&mut late).await.id(), Some("id-2".to_owned()), "nothing from before it listened");
}

pub(super) async fn tells_a_slow_listener_of_the_gap(engine: Box<dyn Engine>) {
    let bus = engine.bus();
    let mut slow = bus.listen(&["progress.#"]).await.expect("listener");
    for n in 0..20_000 {
        bus.announce(message(n, "progress.encoding"));
    }
    while heard(&mut slow).await != Heard::Gap {}
    // It hears again after the gap.
    let last = message("last", "progress.encoding");
    tokio::time::timeout(PATIENCE, async {
        loop {
            bus.announce(last.clone());
            for _ in 0..2000 {
                if heard(&mut slow).await == Heard::Message(last.clone()) {
                    return;
                }
            }
        }
    })
    .await
    .expect("the listener hears again after a gap");
}

impl Heard {
    fn id(&self) -> Option<String> {
        match self {
            Self::Message(message) => Some(message.id.clone()),
            Self::Gap => None,
        }
    }
}
