//! Who sees what, and who may change it.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_mesh::Caller;
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::Code;

async fn set(world: &World, owner: UserId, id: SongId, visibility: Visibility) {
    let song = Song { song_id: id.to_string(), visibility: visibility.into(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["visibility".into()] });
    world.api.update_song(by(owner, UpdateSongRequest { song: Some(song), update_mask })).await.unwrap();
}

#[tokio::test]
async fn what_a_caller_may_not_see_is_not_there() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let callers = [
            ("owner", user(owner), [true, true, true], true),
            ("admin", admin(), [true, true, true], true),
            ("role", Caller::Role("encoder".into()), [true, true, true], true),
            ("other", user(UserId::new()), [false, true, true], false),
            ("anonymous", Caller::Anonymous, [false, true, true], false),
        ];
        for (at, visibility) in
            [Visibility::Private, Visibility::Unlisted, Visibility::Public].into_iter().enumerate()
        {
            set(&world, owner, id, visibility).await;
            for (name, caller, sees, owns) in &callers {
                let here = format!("{name} {visibility:?}");
                let song_id = id.to_string();
                let got =
                    world.api.get_song(as_caller(caller, GetSongRequest { song_id: song_id.clone() })).await;
                let batch =
                    BatchGetSongsRequest { song_ids: vec![song_id.clone(), SongId::new().to_string()] };
                let batch =
                    world.api.batch_get_songs(as_caller(caller, batch)).await.unwrap().into_inner().songs;
                let played = world
                    .api
                    .get_playback(as_caller(caller, GetPlaybackRequest { song_id: song_id.clone() }))
                    .await;
                let watched = world
                    .api
                    .watch_song(as_caller(caller, WatchSongRequest { song_id: song_id.clone() }))
                    .await;
                assert_eq!(
                    (batch.len(), played.is_ok(), watched.is_ok()),
                    (usize::from(sees[at]), sees[at], sees[at]),
                    "{here}"
                );
                if sees[at] {
                    let song = got.unwrap().into_inner().song.unwrap();
                    let private = [
                        song.filename.is_empty(),
                        song.sha256.is_empty(),
                        song.encoding_id.is_empty(),
                        song.size_bytes == 0,
                    ];
                    assert_eq!(private, [!owns; 4], "{here}");
                    assert_eq!(
                        (song.title.as_str(), song.covers.len(), song.duration_ms),
                        ("tag title", 2, 180_000),
                        "{here}"
                    );
                } else {
                    fails(got, Code::NotFound, "SONG_NOT_FOUND");
                }
                let refused = world
                    .api
                    .get_upload(as_caller(caller, GetUploadRequest { song_id: song_id.clone() }))
                    .await;
                match (sees[at], owns) {
                    (_, true) => assert!(refused.is_ok(), "{here}"),
                    (true, false) => drop(fails(refused, Code::PermissionDenied, "NOT_OWNER")),
                    (false, false) => drop(fails(refused, Code::NotFound, "SONG_NOT_FOUND")),
                }
            }
        }
        for caller in [user(UserId::new()), Caller::Anonymous] {
            let request = DeleteSongRequest { song_id: id.to_string(), etag: String::new() };
            fails(
                world.api.delete_song(as_caller(&caller, request)).await,
                Code::PermissionDenied,
                "NOT_OWNER",
            );
        }
    }
}

#[tokio::test]
async fn ids_that_are_none_are_refused() {
    for world in worlds().await {
        for bad in ["", "x", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
            let got = world.api.get_song(by(UserId::new(), GetSongRequest { song_id: bad.into() })).await;
            fails(got, Code::InvalidArgument, "FIELD_INVALID");
        }
        let many = BatchGetSongsRequest { song_ids: vec![SongId::new().to_string(); 201] };
        fails(
            world.api.batch_get_songs(by(UserId::new(), many)).await,
            Code::InvalidArgument,
            "FIELD_INVALID",
        );
    }
}

#[tokio::test]
async fn a_batch_keeps_the_order_asked_for() {
    for world in worlds().await {
        let owner = UserId::new();
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(world.create(owner, 5).await.to_string());
        }
        ids.reverse();
        let songs = world
            .api
            .batch_get_songs(by(owner, BatchGetSongsRequest { song_ids: ids.clone() }))
            .await
            .unwrap();
        let got: Vec<_> = songs.into_inner().songs.into_iter().map(|s| s.song_id).collect();
        assert_eq!(got, ids);
    }
}
