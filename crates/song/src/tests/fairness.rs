//! At most K encodings of one owner at a time.

use super::world::*;
use crate::SongConfig;
use segue_domain::{OutputId, SongState, UserId};
use segue_proto::song::v1::{
    DeleteSongRequest, RetrySongRequest, Song, UpdateSongRequest, song_service_server::SongService,
};

fn two(config: &mut SongConfig) {
    config.encodings_per_owner = 2;
}

async fn jobs(world: &World) -> Vec<String> {
    world.facts().await.into_iter().filter(|e| e.r#type == "song.uploaded.v1").map(|e| e.subject).collect()
}

#[tokio::test]
async fn the_rest_waits_and_goes_in_order_as_encodings_end() {
    for world in worlds_with(two).await {
        let (owner, other) = (UserId::new(), UserId::new());
        let mut songs = Vec::new();
        for _ in 0..5 {
            songs.push(world.uploaded(owner).await);
            world.advance(std::time::Duration::from_millis(5));
        }
        let theirs = world.uploaded(other).await.0;
        let mut first = jobs(&world).await;
        first.sort();
        let mut expected = [songs[0].0, songs[1].0, theirs].map(|s| s.to_string());
        expected.sort();
        assert_eq!(first, expected, "another owner does not wait behind a large upload");
        assert_eq!(world.row(songs[4].0).await.state, SongState::Uploaded, "who waits is UPLOADED");

        // An edit does not cost a song its place.
        let edited = Song { song_id: songs[2].0.to_string(), year: 1, ..Default::default() };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["year".into()] });
        world
            .api
            .update_song(by(owner, UpdateSongRequest { song: Some(edited), update_mask }))
            .await
            .unwrap();

        world.start(songs[0].0, songs[0].1).await;
        assert!(jobs(&world).await.is_empty());
        world.succeed(songs[0].0, songs[0].1, OutputId::new()).await;
        assert_eq!(jobs(&world).await, [songs[2].0.to_string()]);
        world.fail(songs[1].0, songs[1].1, "NOT_AUDIO").await;
        assert_eq!(jobs(&world).await, [songs[3].0.to_string()]);
        let gone = DeleteSongRequest { song_id: songs[2].0.to_string(), etag: String::new() };
        world.api.delete_song(by(owner, gone)).await.unwrap();
        assert_eq!(jobs(&world).await, [songs[4].0.to_string()]);
    }
}

#[tokio::test]
async fn many_at_once_do_not_overrun_the_share() {
    for world in worlds_with(two).await {
        let owner = UserId::new();
        let mut ids = Vec::new();
        for _ in 0..8 {
            let id = world.create(owner, 25).await;
            world.put(id).await;
            ids.push(id);
        }
        for result in futures::future::join_all(ids.iter().map(|id| world.complete(owner, *id))).await {
            result.unwrap();
        }
        assert_eq!(jobs(&world).await.len(), 2, "{}", world.test.engine);
        let mut running = 0;
        for id in ids {
            running += usize::from(world.row(id).await.running());
        }
        assert_eq!(running, 2);
    }
}

#[tokio::test]
async fn the_sweep_lets_go_what_a_crash_left_waiting() {
    for world in worlds_with(two).await {
        let owner = UserId::new();
        let songs = [world.uploaded(owner).await, world.uploaded(owner).await, world.uploaded(owner).await];
        // The process died after the row of the first became READY and before the release.
        let role = world.role();
        role.songs
            .change(songs[0].0, |song| {
                let mut next = song.clone();
                next.state = SongState::Ready;
                Ok(crate::transition::Step::to(next, crate::fact::Fact::Ready))
            })
            .await
            .unwrap();
        jobs(&world).await;
        role.release_all().await;
        assert_eq!(jobs(&world).await, [songs[2].0.to_string()]);
        role.release_all().await;
        assert!(jobs(&world).await.is_empty());
    }
}

#[tokio::test]
async fn a_retry_waits_for_its_turn_too() {
    for world in worlds_with(two).await {
        let owner = UserId::new();
        let (failed, encoding) = world.uploaded(owner).await;
        world.fail(failed, encoding, "PARKED").await;
        world.uploaded(owner).await;
        let (last, job) = world.uploaded(owner).await;
        jobs(&world).await;
        world.api.retry_song(by(owner, RetrySongRequest { song_id: failed.to_string() })).await.unwrap();
        assert!(jobs(&world).await.is_empty());
        world.succeed(last, job, OutputId::new()).await;
        assert_eq!(jobs(&world).await, [failed.to_string()]);
    }
}
