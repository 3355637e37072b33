//! The state machine: every state against everything that can happen.

use super::world::*;
use crate::consume::Inbox;
use segue_domain::{EncodingId, OutputId, SongId, SongState, UserId};
use segue_proto::{
    event::v1::{UserChanged, event::Data},
    song::v1::{song_service_server::SongService, *},
};

const STATES: [&str; 8] =
    ["CREATED", "WAITING", "UPLOADED", "PROCESSING", "READY", "FAILED", "FAILED_BYTES", "DELETED"];

/// What happens, and what it makes of a song in each of `STATES`: a state, or the reason of a refusal.
const TABLE: [(&str, [&str; 8]); 14] = [
    ("complete", ["UPLOADED", "=", "=", "=", "=", "=", "=", "SONG_NOT_FOUND"]),
    (
        "renew",
        [
            "=",
            "UPLOAD_COMPLETE",
            "UPLOAD_COMPLETE",
            "UPLOAD_COMPLETE",
            "UPLOAD_COMPLETE",
            "UPLOAD_COMPLETE",
            "UPLOAD_COMPLETE",
            "SONG_NOT_FOUND",
        ],
    ),
    ("started", ["=", "PROCESSING", "PROCESSING", "=", "=", "=", "=", "="]),
    ("started by an old job", ["=", "=", "=", "=", "=", "=", "=", "="]),
    ("succeeded", ["=", "READY", "READY", "READY", "=", "READY", "READY", "="]),
    ("succeeded by an old job", ["=", "=", "=", "=", "=", "=", "=", "="]),
    ("failed", ["=", "FAILED", "FAILED", "FAILED", "=", "=", "=", "="]),
    ("failed by an old job", ["=", "=", "=", "=", "=", "=", "=", "="]),
    (
        "retry",
        [
            "SONG_NOT_FAILED",
            "SONG_NOT_FAILED",
            "SONG_NOT_FAILED",
            "SONG_NOT_FAILED",
            "SONG_NOT_FAILED",
            "UPLOADED",
            "CREATED",
            "SONG_NOT_FOUND",
        ],
    ),
    ("update", ["+", "+", "+", "+", "+", "+", "+", "SONG_NOT_FOUND"]),
    (
        "delete",
        ["DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "SONG_NOT_FOUND"],
    ),
    ("account deleted", ["DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "DELETED", "="]),
    (
        "playback",
        [
            "SONG_NOT_READY",
            "SONG_NOT_READY",
            "SONG_NOT_READY",
            "SONG_NOT_READY",
            "=",
            "SONG_NOT_READY",
            "SONG_NOT_READY",
            "SONG_NOT_FOUND",
        ],
    ),
    ("get", ["=", "=", "=", "=", "=", "=", "=", "SONG_NOT_FOUND"]),
];

async fn song_in(world: &World, owner: UserId, state: &str) -> (SongId, EncodingId) {
    if state == "CREATED" {
        return (world.create(owner, 25).await, EncodingId::new());
    }
    if state == "WAITING" {
        for _ in 0..4 {
            world.uploaded(owner).await;
        }
    }
    let (id, encoding) = world.uploaded(owner).await;
    match state {
        "PROCESSING" => world.start(id, encoding).await,
        "READY" => world.succeed(id, encoding, OutputId::new()).await,
        "FAILED" => world.fail(id, encoding, "PARKED").await,
        "FAILED_BYTES" => world.fail(id, encoding, "CHECKSUM_MISMATCH").await,
        "DELETED" => drop(
            world
                .api
                .delete_song(by(owner, DeleteSongRequest { song_id: id.to_string(), etag: String::new() }))
                .await
                .unwrap(),
        ),
        _ => {}
    }
    (id, encoding)
}

async fn happen(
    world: &World,
    what: &str,
    owner: UserId,
    song: SongId,
    encoding: EncodingId,
) -> Result<(), tonic::Status> {
    let (song_id, old, output) = (song.to_string(), EncodingId::new(), OutputId::new());
    match what {
        "complete" => {
            if world.row(song).await.deleted.is_none() {
                world.put(song).await;
            }
            world.complete(owner, song).await?;
        }
        "renew" => drop(world.api.renew_upload(by(owner, RenewUploadRequest { song_id })).await?),
        "started" => world.start(song, encoding).await,
        "started by an old job" => world.start(song, old).await,
        "succeeded" => world.succeed(song, encoding, output).await,
        "succeeded by an old job" => world.succeed(song, old, output).await,
        "failed" => world.fail(song, encoding, "NOT_AUDIO").await,
        "failed by an old job" => world.fail(song, old, "NOT_AUDIO").await,
        "retry" => drop(world.api.retry_song(by(owner, RetrySongRequest { song_id })).await?),
        "delete" => {
            drop(world.api.delete_song(by(owner, DeleteSongRequest { song_id, etag: String::new() })).await?)
        }
        "account deleted" => {
            let gone = UserChanged { user_id: owner.to_string(), ..Default::default() };
            world.handle(Inbox::Users, Data::UserDeleted(gone)).await;
        }
        "playback" => drop(world.api.get_playback(by(owner, GetPlaybackRequest { song_id })).await?),
        "get" => drop(world.api.get_song(by(owner, GetSongRequest { song_id })).await?),
        "update" => {
            let song = Song { song_id, genre: "new".into(), ..Default::default() };
            let update_mask = Some(prost_types::FieldMask { paths: vec!["genre".into()] });
            world.api.update_song(by(owner, UpdateSongRequest { song: Some(song), update_mask })).await?;
        }
        _ => unreachable!("{what}"),
    }
    Ok(())
}

#[tokio::test]
async fn every_state_answers_everything_that_can_happen() {
    for world in worlds().await {
        for (what, expectations) in TABLE {
            for (state, expected) in STATES.into_iter().zip(expectations) {
                let here = format!("{}: {what} in {state}", world.test.engine);
                let owner = UserId::new();
                let (id, encoding) = song_in(&world, owner, state).await;
                let before = world.row(id).await;
                let result = happen(&world, what, owner, id, encoding).await;
                let after = world.row(id).await;
                match expected {
                    "=" => assert!(result.is_ok() && after == before, "{here}: {result:?} {after:?}"),
                    "+" => assert!(
                        result.is_ok() && after.version == before.version + 1 && after.state == before.state,
                        "{here}"
                    ),
                    "DELETED" => assert!(result.is_ok() && after.deleted.is_some(), "{here}: {result:?}"),
                    _ => match expected.parse::<SongState>() {
                        Ok(state) => {
                            assert!(result.is_ok(), "{here}: {result:?}");
                            assert_eq!((after.state, after.version), (state, before.version + 1), "{here}");
                        }
                        Err(_) => {
                            assert_eq!(reason(&result.expect_err(&here)), expected, "{here}");
                            assert_eq!(after, before, "{here}");
                        }
                    },
                }
            }
        }
    }
}

#[tokio::test]
async fn a_retry_makes_a_new_job_or_a_new_upload() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, old) = song_in(&world, owner, "FAILED").await;
        let retry =
            |id: SongId| world.api.retry_song(by(owner, RetrySongRequest { song_id: id.to_string() }));
        let answer = retry(id).await.unwrap().into_inner();
        assert_eq!((answer.song.as_ref().unwrap().state(), &answer.upload), (pb_uploaded(), &None));
        let song = answer.song.unwrap();
        assert!(song.failure.is_none() && song.encoding_id != old.to_string());
        world.succeed(id, old, OutputId::new()).await;
        assert_eq!(world.row(id).await.state, SongState::Uploaded, "the old job is over");
        let uploads = world.facts().await.into_iter().filter(|e| e.subject == id.to_string());
        let jobs: Vec<_> = uploads
            .filter_map(|e| match e.data {
                Some(Data::SongUploaded(u)) => Some(u.encoding_id),
                _ => None,
            })
            .collect();
        assert_eq!(jobs, [old.to_string(), song.encoding_id]);

        let (id, _) = song_in(&world, owner, "FAILED_BYTES").await;
        let before = world.row(id).await;
        let grant = retry(id).await.unwrap().into_inner().upload.expect("a grant for new bytes");
        let after = world.row(id).await;
        assert_eq!(grant.upload_id, after.upload.id.to_string());
        assert_ne!(after.object(), before.object(), "what was overwritten cannot come back");
        world.put(id).await;
        world.complete(owner, id).await.unwrap();
    }
}

fn pb_uploaded() -> segue_proto::song::v1::SongState {
    segue_proto::song::v1::SongState::Uploaded
}

#[tokio::test]
async fn a_failure_is_told_in_words_that_can_be_stored() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, _) = song_in(&world, owner, "FAILED").await;
        let song = world
            .api
            .get_song(by(owner, GetSongRequest { song_id: id.to_string() }))
            .await
            .unwrap()
            .into_inner()
            .song
            .unwrap();
        let failure = song.failure.unwrap();
        assert_eq!((failure.reason.as_str(), failure.message.as_str()), ("PARKED", "it is not audio"));
    }
}
