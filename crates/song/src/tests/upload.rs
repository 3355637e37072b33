//! GetUpload, RenewUpload, CompleteUpload.

use super::world::*;
use crate::block;
use segue_domain::{SongId, UserId};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn metadata(status: &Status) -> HashMap<String, String> {
    status.get_error_details().error_info().unwrap().metadata.clone()
}

async fn upload(world: &World, owner: UserId, id: SongId) -> Upload {
    let request = GetUploadRequest { song_id: id.to_string() };
    world.api.get_upload(by(owner, request)).await.unwrap().into_inner().upload.unwrap()
}

/// What is stored of a song of 25 bytes in blocks of 10, and what CompleteUpload says: `Ok`, or reason and missing blocks.
type Case = (&'static str, &'static [(u32, u64)], Option<u64>, Result<(), (&'static str, &'static str)>);
const CASES: [Case; 10] = [
    ("nothing yet", &[], None, Err(("UPLOAD_INCOMPLETE", "0-2"))),
    ("early", &[(0, 10)], None, Err(("UPLOAD_INCOMPLETE", "1-2"))),
    ("a hole", &[(0, 10), (2, 5)], None, Err(("UPLOAD_INCOMPLETE", "1"))),
    ("a short block", &[(0, 10), (1, 9), (2, 5)], None, Err(("UPLOAD_INCOMPLETE", "1"))),
    ("in order", &[(0, 10), (1, 10), (2, 5)], None, Ok(())),
    ("reordered", &[(2, 5), (0, 10), (1, 10)], None, Ok(())),
    ("with a block too many", &[(0, 10), (1, 10), (2, 5), (3, 10)], None, Ok(())),
    ("oversized", &[(0, 10), (1, 10), (2, 10)], None, Err(("UPLOAD_SIZE_MISMATCH", ""))),
    ("committed by another SDK", &[], Some(25), Ok(())),
    ("committed by another SDK with another size", &[], Some(24), Err(("UPLOAD_SIZE_MISMATCH", ""))),
];

#[tokio::test]
async fn an_upload_is_complete_when_exactly_the_declared_bytes_are_stored() {
    for world in worlds().await {
        for (name, blocks, committed, expected) in CASES {
            let owner = UserId::new();
            let id = world.create(owner, 25).await;
            let object = world.row(id).await.object();
            for (i, size) in blocks {
                world.blob.put_block(&object, &block::id(*i), *size);
            }
            let etag = committed.map(|size| world.blob.put_foreign(&object, size));
            let result = world.complete(owner, id).await;
            match expected {
                Ok(()) => {
                    let song = result.unwrap_or_else(|e| panic!("{name}: {e:?}"));
                    assert_eq!(song.state(), SongState::Uploaded, "{name}");
                    let row = world.row(id).await;
                    assert!(row.upload.etag.is_some() && row.released, "{name}");
                    if etag.is_some() {
                        assert_eq!(row.upload.etag, etag, "{name}");
                    }
                }
                Err((why, missing)) => {
                    let status = fails(result, Code::FailedPrecondition, why);
                    let facts = metadata(&status);
                    assert_eq!(facts.get("missing_blocks").map_or("", String::as_str), missing, "{name}");
                    let gone = !world.blob.names().contains(&object.to_string());
                    assert_eq!(
                        gone,
                        why == "UPLOAD_SIZE_MISMATCH" || (blocks.is_empty() && committed.is_none()),
                        "{name}"
                    );
                    // Either way the client can go on from there.
                    world.put(id).await;
                    world.complete(owner, id).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
                }
            }
        }
    }
}

#[tokio::test]
async fn completing_twice_or_at_once_gives_the_same_answer() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 25).await;
        world.put(id).await;
        let all = futures::future::join_all((0..8).map(|_| world.complete(owner, id))).await;
        let first = all[0].as_ref().unwrap().clone();
        for answer in &all {
            assert_eq!(answer.as_ref().unwrap(), &first, "{}", world.test.engine);
        }
        assert_eq!(world.complete(owner, id).await.unwrap(), first);
        let uploaded = world.facts().await.into_iter().filter(|e| e.r#type == "song.uploaded.v1").count();
        assert_eq!(uploaded, 1, "one job, however often it is said");
    }
}

#[tokio::test]
async fn progress_is_what_the_blob_store_has() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 25).await;
        let object = world.row(id).await.object();
        world.blob.put_block(&object, &block::id(2), 5);
        world.blob.put_block(&object, &block::id(0), 3);
        world.blob.put_block(&object, "Zm9yZWlnbg==", 7);
        let seen = upload(&world, owner, id).await;
        assert_eq!(
            (seen.state(), seen.received_bytes, seen.received_blocks),
            (UploadState::Uploading, 5, vec![2])
        );
        assert_eq!((seen.size_bytes, seen.block_size, seen.block_count), (25, 10, 3));

        world.blob.put_foreign(&object, 25);
        let seen = upload(&world, owner, id).await;
        assert_eq!((seen.state(), seen.received_bytes), (UploadState::Committed, 25));
        world.complete(owner, id).await.unwrap();
        let seen = upload(&world, owner, id).await;
        assert_eq!((seen.state(), seen.received_bytes), (UploadState::Completed, 25));
    }
}

#[tokio::test]
async fn a_url_is_renewed_until_the_upload_is_complete_or_expires() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 25).await;
        let renew = || world.api.renew_upload(by(owner, RenewUploadRequest { song_id: id.to_string() }));
        let day = Duration::from_secs(24 * 3600);
        world.advance(day);
        let grant = renew().await.unwrap().into_inner().upload.unwrap();
        assert_eq!(grant.upload_id, world.row(id).await.upload.id.to_string(), "stored blocks stay");
        assert_eq!(grant.expire_time.unwrap().seconds, NOW.seconds() + 36 * 3600);
        world.advance(day * 5 + day * 3 / 4);
        let grant = renew().await.unwrap().into_inner().upload.unwrap();
        assert_eq!(
            grant.expire_time.unwrap().seconds,
            NOW.seconds() + 7 * 24 * 3600,
            "no URL outlives its upload"
        );
        world.put(id).await;
        world.complete(owner, id).await.unwrap();
        fails(renew().await, Code::FailedPrecondition, "UPLOAD_COMPLETE");

        let id = world.create(owner, 25).await;
        world.advance(day * 7);
        let late = world.api.renew_upload(by(owner, RenewUploadRequest { song_id: id.to_string() })).await;
        fails(late, Code::FailedPrecondition, "UPLOAD_EXPIRED");
    }
}

#[tokio::test]
async fn a_blob_store_that_is_away_changes_nothing() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 25).await;
        world.put(id).await;
        world.blob.away.store(true, Ordering::SeqCst);
        let status = fails(world.complete(owner, id).await, Code::Unavailable, "BLOB_STORE_UNAVAILABLE");
        assert!(status.get_error_details().retry_info().is_some());
        world.blob.away.store(false, Ordering::SeqCst);
        assert_eq!(world.complete(owner, id).await.unwrap().state(), SongState::Uploaded);
    }
}
