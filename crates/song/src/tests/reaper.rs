//! The reaper.

use super::world::*;
use bytes::Bytes;
use segue_domain::{ObjectName, OutputId, SongId, UserId};
use segue_ports::blob::{BlobStore, Condition};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::{sync::atomic::Ordering, time::Duration};
use tonic::Code;

async fn put_output(world: &World, song: SongId, output: OutputId) {
    for name in ["master.m3u8", "aac-64/init.mp4", "aac-64/00001.m4s", "aac-64/index.m3u8", "manifest.json"] {
        let object = ObjectName::media(song, output, name).unwrap();
        world.blob.put(&object, "", Bytes::new(), Condition::Always).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_song_leaves_nothing_even_when_a_job_writes_after_it() {
    for world in worlds().await {
        let owner = UserId::new();
        let (gone, kept) = (world.ready(owner).await, world.ready(owner).await);
        let outputs = [world.row(gone).await.output.unwrap().id, world.row(kept).await.output.unwrap().id];
        put_output(&world, gone, outputs[0]).await;
        put_output(&world, kept, outputs[1]).await;
        let request = DeleteSongRequest { song_id: gone.to_string(), etag: String::new() };
        world.api.delete_song(by(owner, request.clone())).await.unwrap();
        fails(world.api.delete_song(by(owner, request)).await, Code::NotFound, "SONG_NOT_FOUND");

        world.blob.away.store(true, Ordering::SeqCst);
        world.role().reap().await;
        world.blob.away.store(false, Ordering::SeqCst);
        world.role().reap().await;
        let of = |id: SongId| world.blob.names().into_iter().filter(|n| n.contains(&id.to_string())).count();
        assert_eq!((of(gone), of(kept)), (0, 6), "{}", world.test.engine);

        put_output(&world, gone, OutputId::new()).await;
        world.role().reap().await;
        assert_eq!(of(gone), 5, "not yet");
        world.advance(Duration::from_secs(12 * 3600));
        world.role().reap().await;
        assert_eq!((of(gone), of(kept)), (0, 6));
        world.advance(Duration::from_secs(365 * 24 * 3600));
        assert!(
            world.role().garbage.due(world.role().now(), 10).await.unwrap().is_empty(),
            "the bin is empty"
        );
    }
}

#[tokio::test]
async fn an_upload_that_expired_is_deleted_and_others_are_not() {
    for world in worlds().await {
        let owner = UserId::new();
        let (late, done) = (world.create(owner, 25).await, world.uploaded(owner).await.0);
        world.put(late).await;
        world.advance(Duration::from_secs(6 * 24 * 3600));
        let young = world.create(owner, 25).await;
        world.role().reap().await;
        assert!(world.row(late).await.deleted.is_none());
        world.advance(Duration::from_secs(24 * 3600 + 1));
        world.role().reap().await;
        assert!(world.row(late).await.deleted.is_some());
        assert!(world.row(done).await.deleted.is_none() && world.row(young).await.deleted.is_none());
        assert!(!world.blob.names().iter().any(|n| n.contains(&late.to_string())), "its blocks are gone");
    }
}

#[tokio::test]
async fn bytes_that_were_at_fault_go_after_their_url_has_ended() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let old = world.row(id).await.object().to_string();
        world.fail(id, encoding, "SOURCE_CHANGED").await;
        world.api.retry_song(by(owner, RetrySongRequest { song_id: id.to_string() })).await.unwrap();
        world.put(id).await;
        world.complete(owner, id).await.unwrap();
        world.role().reap().await;
        assert!(world.blob.names().contains(&old));
        world.advance(Duration::from_secs(12 * 3600));
        world.role().reap().await;
        assert_eq!(world.blob.names(), [world.row(id).await.object().to_string()], "the new bytes stay");
    }
}
