//! Rows come from the cache; who may see them does not.

use super::world::*;
use crate::SongApi;
use segue_domain::{SongId, UserId};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

fn get(id: SongId) -> GetSongRequest {
    GetSongRequest { song_id: id.to_string() }
}

fn rename(id: SongId, title: &str) -> UpdateSongRequest {
    UpdateSongRequest {
        song: Some(Song_ { song_id: id.to_string(), title: title.into(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["title".into()] }),
    }
}

fn publish(id: SongId, visibility: Visibility) -> UpdateSongRequest {
    UpdateSongRequest {
        song: Some(Song_ { song_id: id.to_string(), visibility: visibility.into(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["visibility".into()] }),
    }
}

async fn title(api: &SongApi, owner: UserId, id: SongId, seen: Option<u64>) -> String {
    let mut request = by(owner, get(id));
    if let Some(version) = seen {
        let mark = format!("{id}@{version}").parse().unwrap();
        request.metadata_mut().insert("segue-consistency", mark);
    }
    api.get_song(request).await.unwrap().into_inner().song.unwrap().title
}

#[tokio::test]
async fn songs_that_were_read_are_there_while_the_database_is_away() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, other) = (world.ready(owner).await, world.ready(owner).await);
        let before = world.api.get_song(by(owner, get(id))).await.unwrap().into_inner().song.unwrap();
        world.test.store.close().await;
        let after = world.api.get_song(by(owner, get(id))).await.unwrap().into_inner().song.unwrap();
        assert_eq!(before, after, "{}", world.test.engine);
        let playback = GetPlaybackRequest { song_id: id.to_string() };
        let playback = world.api.get_playback(by(owner, playback)).await.unwrap().into_inner();
        assert!(playback.master_url.ends_with("/master.m3u8"));
        let batch = BatchGetSongsRequest { song_ids: vec![id.to_string()] };
        let batch = world.api.batch_get_songs(by(owner, batch)).await.unwrap().into_inner();
        assert_eq!(batch.songs, [before]);
        let unread: Result<_, Status> = world.api.get_song(by(owner, get(other))).await;
        assert_eq!(unread.unwrap_err().code(), Code::Unavailable, "{}", world.test.engine);
    }
}

#[tokio::test]
async fn what_is_cached_is_shown_to_those_who_may_see_it_and_to_nobody_else() {
    for world in worlds().await {
        let (owner, stranger) = (UserId::new(), UserId::new());
        let id = world.ready(owner).await;
        world.api.update_song(by(owner, publish(id, Visibility::Public))).await.unwrap();
        let mine = world.api.get_song(by(owner, get(id))).await.unwrap().into_inner().song.unwrap();
        let seen = world.api.get_song(by(stranger, get(id))).await.unwrap().into_inner().song.unwrap();
        assert_eq!((mine.filename.as_str(), seen.filename.as_str()), ("a song.flac", ""));
        world.api.update_song(by(owner, publish(id, Visibility::Private))).await.unwrap();
        fails(world.api.get_song(by(stranger, get(id))).await, Code::NotFound, "SONG_NOT_FOUND");
        let playback = GetPlaybackRequest { song_id: id.to_string() };
        fails(world.api.get_playback(by(stranger, playback)).await, Code::NotFound, "SONG_NOT_FOUND");
        let batch = BatchGetSongsRequest { song_ids: vec![id.to_string()] };
        let batch = world.api.batch_get_songs(by(stranger, batch)).await.unwrap().into_inner();
        assert!(batch.songs.is_empty());
        let delete = DeleteSongRequest { song_id: id.to_string(), ..Default::default() };
        world.api.delete_song(by(owner, delete)).await.unwrap();
        fails(world.api.get_song(by(owner, get(id))).await, Code::NotFound, "SONG_NOT_FOUND");
    }
}

#[tokio::test]
async fn another_process_hears_of_a_change_and_reads_your_writes_before_that() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let (other, shutdown) = (world.process(|_| ()), CancellationToken::new());
        let api = SongApi::new(other.role().clone());
        world.facts().await;
        let (song, token) = (other.clone(), shutdown.clone());
        let task = tokio::spawn(async move { song.run(token).await });
        // It hears itself over the bus, and trusts what it reads from then on.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(title(&api, owner, id, None).await, "tag title");

        let written = world.api.update_song(by(owner, rename(id, "new"))).await.unwrap();
        assert_eq!(title(&world.api, owner, id, None).await, "new", "its own write, at once");
        assert_eq!(title(&api, owner, id, None).await, "tag title", "nobody has told it");
        let version = written.into_inner().song.unwrap().etag.parse().unwrap();
        assert_eq!(title(&api, owner, id, Some(version)).await, "new", "who has seen more is shown it");

        world.api.update_song(by(owner, rename(id, "newest"))).await.unwrap();
        assert_eq!(title(&api, owner, id, None).await, "new");
        world.publish().await;
        for _ in 0..200 {
            if title(&api, owner, id, None).await == "newest" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(title(&api, owner, id, None).await, "newest", "{}", world.test.engine);

        // Something may have been missed.
        world.api.update_song(by(owner, rename(id, "missed"))).await.unwrap();
        world.bus.gap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(title(&api, owner, id, None).await, "missed");
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), task).await.expect("shuts down at once").unwrap();
    }
}

#[tokio::test]
async fn a_process_that_hears_nothing_shows_nothing_older_than_five_seconds() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let deaf = SongApi::new(world.process(|_| ()).role().clone());
        assert_eq!(title(&deaf, owner, id, None).await, "tag title");
        world.api.update_song(by(owner, rename(id, "new"))).await.unwrap();
        assert_eq!(title(&deaf, owner, id, None).await, "tag title");
        world.advance(Duration::from_millis(5_001));
        assert_eq!(title(&deaf, owner, id, None).await, "new", "{}", world.test.engine);
    }
}
