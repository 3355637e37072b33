//! UpdateSong and DeleteSong.

use super::world::*;
use segue_domain::{OutputId, SongId, UserId};
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::{Code, Status};
use tonic_types::StatusExt;

async fn update(world: &World, owner: UserId, song: Song, paths: &[&str]) -> Result<Song, Status> {
    let update_mask = Some(prost_types::FieldMask { paths: paths.iter().map(|p| (*p).into()).collect() });
    let answer =
        world.api.update_song(by(owner, UpdateSongRequest { song: Some(song), update_mask })).await?;
    Ok(answer.into_inner().song.unwrap())
}

fn named(id: SongId) -> Song {
    Song { song_id: id.to_string(), ..Default::default() }
}

#[tokio::test]
async fn tags_fill_what_the_owner_has_not_set() {
    for world in worlds().await {
        let owner = UserId::new();
        let (id, encoding) = world.uploaded(owner).await;
        let mine = Song { title: " mine ".into(), year: 0, artists: vec!["me".into()], ..named(id) };
        let song = update(&world, owner, mine, &["title", "year", "artists"]).await.unwrap();
        assert_eq!((song.title.as_str(), &song.artists[..]), ("mine", &["me".to_owned()][..]));
        world.succeed(id, encoding, OutputId::new()).await;
        let song = world.row(id).await.metadata;
        assert_eq!((song.title.as_str(), song.year, song.album.as_str()), ("mine", 0, "tag album"));
        assert_eq!(song.artists, ["me"]);
    }
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_a_fresh_one_is_not() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 5).await;
        let edit = |title: &str, etag: &str| Song { title: title.into(), etag: etag.into(), ..named(id) };
        let song = update(&world, owner, edit("a", "1"), &["title"]).await.unwrap();
        assert_eq!(song.etag, "2");
        fails(update(&world, owner, edit("b", "1"), &["title"]).await, Code::Aborted, "ETAG_STALE");
        fails(update(&world, owner, edit("b", "x"), &["title"]).await, Code::Aborted, "ETAG_STALE");
        let same = update(&world, owner, edit("a", ""), &["title"]).await.unwrap();
        assert_eq!(same.etag, "2", "what changes nothing makes no version");
        let stale = DeleteSongRequest { song_id: id.to_string(), etag: "1".into() };
        fails(world.api.delete_song(by(owner, stale)).await, Code::Aborted, "ETAG_STALE");
    }
}

#[tokio::test]
async fn a_field_that_is_named_very_often_counts_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 5).await;
        let often = vec!["title"; 200_000];
        let song = Song { title: "a".into(), ..named(id) };
        assert_eq!(update(&world, owner, song, &often).await.unwrap().etag, "2");
        let wrong =
            fails(update(&world, owner, named(id), &often).await, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(wrong.get_details_bad_request().unwrap().field_violations.len(), 1);
    }
}

#[tokio::test]
async fn changes_without_an_etag_all_arrive() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 5).await;
        let edits = (1..=6).map(|n| {
            let song = Song { year: n, genre: n.to_string(), ..named(id) };
            let world = &world;
            async move { update(world, owner, song, &["year", "genre"]).await }
        });
        for result in futures::future::join_all(edits).await {
            result.unwrap();
        }
        assert_eq!(world.row(id).await.version, 7);
        let sequences: Vec<_> = world.facts().await.iter().map(|e| e.sequence).collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6, 7], "{}: one fact per version", world.test.engine);
    }
}

#[tokio::test]
async fn bad_edits_are_refused_by_field() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.create(owner, 5).await;
        let cases: [(Song, &[&str], &str); 9] = [
            (named(id), &[], "update_mask"),
            (named(id), &["state"], "update_mask"),
            (named(id), &["*"], "update_mask"),
            (named(id), &["title"], "song.title"),
            (Song { title: "x".repeat(501), ..named(id) }, &["title"], "song.title"),
            (Song { album: "a\0".into(), ..named(id) }, &["album"], "song.album"),
            (Song { artists: vec!["x".into(); 51], ..named(id) }, &["artists"], "song.artists"),
            (Song { artists: vec!["x".into(), " ".into()], ..named(id) }, &["artists"], "song.artists[1]"),
            (Song { year: 10_000, ..named(id) }, &["year"], "song.year"),
        ];
        for (song, paths, field) in cases {
            let status =
                fails(update(&world, owner, song, paths).await, Code::InvalidArgument, "FIELD_INVALID");
            assert!(status.message().starts_with(&format!("{field}:")), "{}", status.message());
        }
        assert_eq!(world.row(id).await.version, 1);
    }
}
