//! The role as a process runs it: facts come from queues.

use super::world::*;
use prost::Message as _;
use segue_domain::UserId;
use segue_ports::bus::{Bus, Message};
use segue_proto::event::v1::{Event, SongChanged, event::Data};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn message(event: &Event) -> Message {
    Message {
        id: event.id.clone(),
        topic: event.r#type.clone(),
        key: event.subject.clone(),
        payload: event.encode_to_vec().into(),
        traceparent: None,
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not in time: {what}");
}

#[tokio::test]
async fn facts_from_the_queues_are_counted_and_poison_ends_as_a_dead_letter() {
    for world in worlds().await {
        world.playlists.declare().await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (playlists, stop) = (world.playlists.clone(), stop.clone());
            async move { playlists.run(stop).await }
        });
        let (user, song) = (UserId::new(), world.public());
        world.like(user, song).await.unwrap();
        world.record(user, &[play(song, NOW)]).await;
        let facts = world.facts().await;
        // The topic of a queue, with something else inside.
        let poison =
            Event { r#type: "library.changed.v1".into(), ..fact(Data::SongDeleted(SongChanged::default())) };
        let mut messages: Vec<Message> = facts.iter().chain(&facts).map(message).collect();
        messages.push(message(&poison));
        world.bus.publish(messages).await.unwrap();
        until("counted", async || world.stats(user, &[song]).await == [(1, 0, 1)]).await;
        let gone = fact(Data::SongDeleted(SongChanged { song_id: song.to_string(), ..Default::default() }));
        world.bus.publish(vec![message(&gone)]).await.unwrap();
        until("likes are gone", async || world.rows("likes").await == 0).await;
        until("a dead letter", async || {
            world.bus.dead_letters("playlist.library-counts").await.unwrap().len() == 1
        })
        .await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), task).await.expect("shuts down at once").unwrap();
    }
}
