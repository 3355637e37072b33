//! The role as a process runs it: queues in, facts out.

use super::world::*;
use segue_domain::{OutputId, SongState, UserId};
use segue_ports::bus::{Bus, Message};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

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
async fn facts_from_the_queues_move_songs_and_lists_and_poison_ends_as_a_dead_letter() {
    for world in worlds().await {
        world.song.declare().await.unwrap();
        let shutdown = CancellationToken::new();
        let (song, token) = (world.song.clone(), shutdown.clone());
        let task = tokio::spawn(async move { song.run(token).await });

        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let poison = Message {
            id: "poison".into(),
            topic: "encoding.failed.v1".into(),
            key: String::new(),
            payload: vec![0xff; 5].into(),
            traceparent: None,
        };
        let events = [fact(started(id, encoding)), fact(succeeded(id, encoding, OutputId::new()))];
        // It means something else, or will: nothing is made of it.
        let mut newer = fact(failed(id, encoding, "DAMAGED_AUDIO"));
        newer.r#type = "encoding.failed.v2".into();
        let newer = Message { topic: "encoding.failed.v1".into(), ..message(&newer) };
        // The list and the albums hear of all that happens to songs, also what they do not know.
        let unknown = fact(started(id, encoding));
        let unknown = Message { topic: "song.painted.v1".into(), ..message(&unknown) };
        let mut parked = vec!["poison".to_owned(), newer.id.clone(), unknown.id.clone(), unknown.id.clone()];
        let mut messages = vec![poison, newer, unknown];
        messages.extend(events.iter().map(message));
        world.bus.publish(messages).await.unwrap();
        until("READY", async || world.row(id).await.state == SongState::Ready).await;
        world.publish().await;
        let ready = || ListSongsRequest {
            states: vec![segue_proto::song::v1::SongState::Ready.into()],
            ..Default::default()
        };
        until("listed", async || {
            world.api.list_songs(by(owner, ready())).await.unwrap().into_inner().songs.len() == 1
        })
        .await;
        until("dead letters", async || world.bus.dead().len() == 4).await;
        let mut dead: Vec<_> = world.bus.dead().into_iter().map(|letter| letter.message.id).collect();
        dead.sort();
        parked.sort();
        assert_eq!(dead, parked);
        assert!(world.bus.acked() >= 2);
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), task).await.expect("shuts down at once").unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_away_costs_a_fact_none_of_its_attempts() {
    for world in worlds().await {
        world.song.declare().await.unwrap();
        let (id, encoding) = world.uploaded(UserId::new()).await;
        world.test.store.close().await;
        let shutdown = CancellationToken::new();
        let (song, token) = (world.song.clone(), shutdown.clone());
        let task = tokio::spawn(async move { song.run(token).await });
        world.bus.publish(vec![message(&fact(started(id, encoding)))]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3500)).await;
        assert_eq!((world.bus.acked(), world.bus.dead()), (0, vec![]), "{}", world.test.engine);
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), task).await.expect("shuts down at once").unwrap();
    }
}
