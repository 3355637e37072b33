//! CreateSong.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_mesh::Caller;
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test]
async fn a_song_is_declared_and_its_upload_granted() {
    for world in worlds().await {
        let owner = UserId::new();
        let answer = world.api.create_song(by(owner, request(25))).await.unwrap();
        let mark = answer.metadata().get("segue-consistency").unwrap().to_str().unwrap().to_owned();
        let answer = answer.into_inner();
        let (song, grant) = (answer.song.unwrap(), answer.upload.unwrap());
        assert_eq!(mark, format!("{}@1", song.song_id));
        assert_eq!((song.state(), song.visibility()), (SongState::Created, Visibility::Private));
        assert_eq!((song.title.as_str(), song.etag.as_str()), ("a song", "1"));
        assert_eq!((grant.block_size, grant.block_count), (BLOCK, 3));
        assert!(grant.url.starts_with("http://localhost/blob/originals/"), "{}", grant.url);
        assert_eq!(grant.expire_time.unwrap().seconds, NOW.seconds() + 12 * 3600);
        let facts = world.facts().await;
        assert_eq!(facts.len(), 1);
        assert_eq!((facts[0].r#type.as_str(), facts[0].sequence), ("song.created.v1", 1));
    }
}

#[tokio::test]
async fn a_repeat_finds_the_first_answer_and_other_content_does_not() {
    for world in worlds().await {
        let (owner, id) = (UserId::new(), SongId::new());
        let first = CreateSongRequest { request_id: id.to_string(), ..request(25) };
        let create = |caller: UserId, r: &CreateSongRequest| world.api.create_song(by(caller, r.clone()));
        let one = create(owner, &first).await.unwrap().into_inner();
        let two = create(owner, &first).await.unwrap().into_inner();
        assert_eq!(one, two, "{}", world.test.engine);
        assert_eq!(one.song.unwrap().song_id, id.to_string());

        let others = [
            CreateSongRequest { size_bytes: 26, ..first.clone() },
            CreateSongRequest { sha256: sha(2), ..first.clone() },
            CreateSongRequest { title: "other".into(), ..first.clone() },
            CreateSongRequest { visibility: Visibility::Public.into(), ..first.clone() },
        ];
        for other in &others {
            fails(create(owner, other).await, Code::AlreadyExists, "SONG_ALREADY_EXISTS");
        }
        fails(create(UserId::new(), &first).await, Code::AlreadyExists, "SONG_ALREADY_EXISTS");

        world.put(id).await;
        world.complete(owner, id).await.unwrap();
        let after = create(owner, &first).await.unwrap().into_inner();
        assert_eq!((after.song.unwrap().state(), after.upload), (SongState::Uploaded, None));

        world
            .api
            .delete_song(by(owner, DeleteSongRequest { song_id: id.to_string(), etag: String::new() }))
            .await
            .unwrap();
        fails(create(owner, &first).await, Code::AlreadyExists, "SONG_DELETED");
        fails(create(UserId::new(), &first).await, Code::AlreadyExists, "SONG_ALREADY_EXISTS");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    for world in worlds().await {
        let bad = CreateSongRequest {
            request_id: "936da01f-9abd-4d9d-80c7-02af85c822a8".into(),
            filename: "../etc/passwd".into(),
            size_bytes: 0,
            sha256: "xyz".into(),
            title: "x".repeat(501),
            visibility: 9,
        };
        let status = fails(
            world.api.create_song(by(UserId::new(), bad)).await,
            Code::InvalidArgument,
            "FIELD_INVALID",
        );
        let details = status.get_error_details();
        let fields: Vec<_> =
            details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["request_id", "size_bytes", "filename", "title", "sha256", "visibility"]);
        let large = world.api.create_song(by(UserId::new(), request(1001))).await;
        fails(large, Code::InvalidArgument, "FIELD_INVALID");
        let nobody = world.api.create_song(as_caller(&Caller::Anonymous, request(1))).await;
        fails(nobody, Code::Unauthenticated, "TOKEN_REQUIRED");
        assert!(world.facts().await.is_empty());
    }
}

#[tokio::test]
async fn a_full_library_takes_no_more_until_something_is_deleted() {
    let limits = |c: &mut crate::SongConfig| (c.quota_bytes_per_user, c.max_songs_per_user) = (100, 3);
    for world in worlds_with(limits).await {
        let owner = UserId::new();
        let first = world.create(owner, 60).await;
        fails(world.api.create_song(by(owner, request(41))).await, Code::ResourceExhausted, "QUOTA_EXCEEDED");
        world.create(owner, 40).await;
        world.create(UserId::new(), 100).await;
        world
            .api
            .delete_song(by(owner, DeleteSongRequest { song_id: first.to_string(), etag: String::new() }))
            .await
            .unwrap();
        world.create(owner, 1).await;
        world.create(owner, 1).await;
        fails(world.api.create_song(by(owner, request(1))).await, Code::ResourceExhausted, "QUOTA_EXCEEDED");
    }
}
