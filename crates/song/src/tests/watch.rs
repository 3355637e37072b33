//! WatchSong.

use super::world::*;
use crate::{SongConfig, watch::WatchStream};
use futures::StreamExt;
use prost::Message as _;
use segue_domain::{EncodingId, OutputId, SongId, UserId};
use segue_ports::bus::{Bus, Message};
use segue_proto::{
    event::v1::EncodingProgress,
    song::v1::{song_service_server::SongService, *},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

async fn watch(world: &World, owner: UserId, id: SongId) -> WatchStream {
    world.api.watch_song(by(owner, WatchSongRequest { song_id: id.to_string() })).await.unwrap().into_inner()
}

async fn next(stream: &mut WatchStream) -> Result<(SongState, u32), Status> {
    let item = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an answer in time");
    let item = item.expect("the stream goes on")?;
    Ok((item.song.unwrap().state(), item.percent))
}

fn progress(world: &World, song: SongId, encoding: EncodingId, percent: u32) {
    let payload = EncodingProgress { encoding_id: encoding.to_string(), song_id: song.to_string(), percent };
    world.bus.announce(Message {
        id: String::new(),
        topic: "encoding.progress.v1".into(),
        key: song.to_string(),
        payload: payload.encode_to_vec().into(),
        traceparent: None,
    });
}

/// Runs the role, and waits until its ear is on the bus.
async fn running(world: &World) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let shutdown = CancellationToken::new();
    let (song, token) = (world.song.clone(), shutdown.clone());
    let task = tokio::spawn(async move { song.run(token).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    (shutdown, task)
}

fn slow_poll(config: &mut SongConfig) {
    config.watch_poll_seconds = 3600;
    config.max_watchers = 3;
}

#[tokio::test]
async fn a_watcher_sees_each_change_and_the_stream_ends_when_it_plays() {
    for world in worlds_with(slow_poll).await {
        let (shutdown, task) = running(&world).await;
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let mut stream = watch(&world, owner, id).await;
        assert_eq!(next(&mut stream).await.unwrap(), (SongState::Uploaded, 0));
        world.start(id, encoding).await;
        world.publish().await;
        assert_eq!(next(&mut stream).await.unwrap(), (SongState::Processing, 0));
        progress(&world, id, EncodingId::new(), 90);
        progress(&world, id, encoding, 40);
        assert_eq!(next(&mut stream).await.unwrap(), (SongState::Processing, 40));
        // Progress never goes back, and a burst is one answer.
        progress(&world, id, encoding, 30);
        progress(&world, id, encoding, 55);
        assert_eq!(next(&mut stream).await.unwrap(), (SongState::Processing, 55));
        world.succeed(id, encoding, OutputId::new()).await;
        world.publish().await;
        assert_eq!(next(&mut stream).await.unwrap(), (SongState::Ready, 100));
        assert!(stream.next().await.is_none());
        drop(stream);
        assert_eq!(world.role().hub.watchers(), (0, 0));
        shutdown.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_gap_makes_watchers_look_again() {
    for world in worlds_with(slow_poll).await {
        let (shutdown, task) = running(&world).await;
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let mut stream = watch(&world, owner, id).await;
        next(&mut stream).await.unwrap();
        world.fail(id, encoding, "NOT_AUDIO").await;
        world.bus.gap();
        assert_eq!(next(&mut stream).await.unwrap().0, SongState::Failed);
        assert!(stream.next().await.is_none());
        shutdown.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn deletion_and_shutdown_end_a_watch_with_a_reason() {
    for world in worlds_with(slow_poll).await {
        let (shutdown, task) = running(&world).await;
        let owner = UserId::new();
        let (gone, open) = (world.uploaded(owner).await.0, world.uploaded(owner).await.0);
        let (mut first, mut second) = (watch(&world, owner, gone).await, watch(&world, owner, open).await);
        next(&mut first).await.unwrap();
        next(&mut second).await.unwrap();
        world
            .api
            .delete_song(by(owner, DeleteSongRequest { song_id: gone.to_string(), etag: String::new() }))
            .await
            .unwrap();
        world.publish().await;
        fails(next(&mut first).await, Code::NotFound, "SONG_NOT_FOUND");
        assert!(first.next().await.is_none());
        shutdown.cancel();
        fails(next(&mut second).await, Code::Unavailable, "SHUTTING_DOWN");
        task.await.unwrap();
    }
}

#[tokio::test]
async fn watchers_are_bounded_and_leave_nothing_behind() {
    for world in worlds_with(slow_poll).await {
        let owner = UserId::new();
        let id = world.create(owner, 5).await;
        let open =
            [watch(&world, owner, id).await, watch(&world, owner, id).await, watch(&world, owner, id).await];
        assert_eq!(world.role().hub.watchers(), (3, 1));
        let more = world.api.watch_song(by(owner, WatchSongRequest { song_id: id.to_string() })).await;
        assert_eq!(
            more.err().map(|e| (e.code(), reason(&e))),
            Some((Code::ResourceExhausted, "TOO_MANY_WATCHERS".into()))
        );
        drop(open);
        assert_eq!(world.role().hub.watchers(), (0, 0));
        let none =
            world.api.watch_song(by(owner, WatchSongRequest { song_id: SongId::new().to_string() })).await;
        assert_eq!(none.err().map(|e| e.code()), Some(Code::NotFound));
        assert_eq!(world.role().hub.watchers(), (0, 0));
    }
}

#[tokio::test]
async fn a_silent_bus_is_made_up_for_by_looking() {
    for world in worlds_with(|c| c.watch_poll_seconds = 1).await {
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let mut stream = watch(&world, owner, id).await;
        next(&mut stream).await.unwrap();
        world.start(id, encoding).await;
        assert_eq!(next(&mut stream).await.unwrap().0, SongState::Processing);
    }
}
