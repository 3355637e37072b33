//! MatchSongs.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::{Code, Status};

const MBID: &str = "b1a9c0e9-d987-4042-ae91-78d6a3267d69";

async fn matched(world: &World, caller: UserId, hints: Vec<SongHint>) -> Result<Vec<String>, Status> {
    let answer = world.api.match_songs(by(caller, MatchSongsRequest { hints })).await?.into_inner();
    Ok(answer.matches.into_iter().map(|m| m.song_id).collect())
}

fn hint(title: &str, artist: &str, duration_ms: u64) -> SongHint {
    SongHint { title: title.into(), artist: artist.into(), duration_ms, ..Default::default() }
}

async fn coded(
    world: &World,
    owner: UserId,
    title: &str,
    isrc: &str,
    mbid: &str,
    duration_ms: u64,
) -> SongId {
    let mut song = said(title, &["Ada", "Bo"], "", "");
    song.duration_ms = duration_ms;
    let tags = song.tags.as_mut().unwrap();
    (tags.isrc, tags.musicbrainz_id) = (isrc.into(), mbid.into());
    world.tagged(owner, song).await
}

#[tokio::test]
async fn a_hint_finds_by_id_then_by_codes_then_by_words() {
    for world in worlds().await {
        let owner = UserId::new();
        let isrc = coded(&world, owner, "A", "USRC17607839", "", 180_000).await;
        let mbid = coded(&world, owner, "B", "", MBID, 180_000).await;
        let long = coded(&world, owner, "Tíme", "", "", 240_000).await;
        let short = coded(&world, owner, "TÍME", "", "", 120_000).await;
        let begun = world.create(owner, 5).await;
        let (other, foreign) = (UserId::new(), world.ready(UserId::new()).await);
        coded(&world, other, "A", "USRC17607839", MBID, 180_000).await;
        world.relay().await;
        let of = |id: SongId| SongHint { song_id: id.to_string(), ..hint("B", "Ada", 0) };
        let code = |isrc: &str, mbid: &str| SongHint {
            isrc: isrc.into(),
            musicbrainz_id: mbid.into(),
            ..hint("nothing", "like it", 1)
        };
        let hints = vec![
            of(long),
            of(SongId::new()),
            of(foreign),
            of(begun),
            code("us-rc1-76-07839", ""),
            code("", &MBID.to_uppercase()),
            code("USRC17607839", MBID),
            code("GBAYE0000001", ""),
            hint(" tíme ", "ada & bo", 121_000),
            hint("Tíme", "Bo", 238_000),
            hint("Tíme", "Bo", 0),
            hint("Tíme", "", 123_001),
            hint("Tíme", "Cy", 120_000),
            hint("Tíme", "", 0),
            SongHint { song_id: "not an id".into(), ..hint("b", "ADA", 0) },
            SongHint::default(),
        ];
        let found = matched(&world, owner, hints).await.unwrap();
        let none = String::new();
        let id = |id: SongId| id.to_string();
        let want = [
            id(long),
            id(mbid),
            id(mbid),
            id(begun),
            id(isrc),
            id(mbid),
            id(isrc),
            none.clone(),
            id(short),
            id(long),
            id(long),
            none.clone(),
            none.clone(),
            none.clone(),
            id(mbid),
            none,
        ];
        assert_eq!(found, want, "{}", world.test.engine);
    }
}

#[tokio::test]
async fn what_was_edited_or_deleted_is_found_as_it_is() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = coded(&world, owner, "A", "USRC17607839", "", 180_000).await;
        let gone = coded(&world, owner, "Gone", "", MBID, 180_000).await;
        world.relay().await;
        world
            .edit(
                owner,
                Song { song_id: id.to_string(), title: "Z".into(), ..Default::default() },
                &["title"],
            )
            .await;
        world.delete(owner, gone).await;
        let by_mbid = SongHint { musicbrainz_id: MBID.into(), ..Default::default() };
        let found = matched(&world, owner, vec![by_mbid.clone()]).await.unwrap();
        assert_eq!(found, [""], "the list is a moment behind, the answer is not");
        world.relay().await;
        let hints = vec![hint("a", "ada", 0), hint("z", "ada", 0), by_mbid];
        assert_eq!(
            matched(&world, owner, hints).await.unwrap(),
            [String::new(), id.to_string(), String::new()]
        );
        let stranger = matched(&world, UserId::new(), vec![hint("z", "ada", 0)]).await.unwrap();
        assert_eq!(stranger, [""]);
    }
}

#[tokio::test]
async fn hints_are_bounded() {
    for world in worlds().await {
        let owner = UserId::new();
        for hints in [vec![], vec![SongHint::default(); 201], vec![hint(&"x".repeat(2001), "", 0)]] {
            fails(matched(&world, owner, hints).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        let odd = hint("\0\u{202e}", "'; DROP TABLE songs", u64::MAX);
        assert_eq!(matched(&world, owner, vec![odd; 200]).await.unwrap().len(), 200);
    }
}
