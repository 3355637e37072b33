//! ScanSongs.

use super::world::*;
use segue_domain::UserId;
use segue_mesh::Caller;
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::Code;

async fn scan(world: &World, request: ScanSongsRequest) -> ScanSongsResponse {
    let role = Caller::Role("search".into());
    world.api.scan_songs(as_caller(&role, request)).await.unwrap().into_inner()
}

/// Every song, read in pages of `page_size`.
async fn all(world: &World, page_size: i32, states: &[SongState]) -> Vec<ScannedSong> {
    let states: Vec<i32> = states.iter().map(|s| i32::from(*s)).collect();
    let (mut songs, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = scan(world, ScanSongsRequest { page_size, page_token, states: states.clone() }).await;
        assert!(page.songs.len() <= page_size as usize);
        songs.extend(page.songs);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return songs;
        }
    }
}

#[tokio::test]
async fn pages_hold_every_song_of_every_owner_once_in_the_order_of_ids() {
    for world in worlds().await {
        let mut made = Vec::new();
        for _ in 0..7 {
            made.push(world.create(UserId::new(), 5).await.to_string());
        }
        made.sort_unstable();
        for page_size in [1, 3, 7, 8] {
            let seen: Vec<String> =
                all(&world, page_size, &[]).await.into_iter().map(|s| s.song_id).collect();
            assert_eq!(seen, made, "{} by {page_size}", world.test.engine);
        }
    }
}

#[tokio::test]
async fn a_scanned_song_says_what_its_newest_fact_says() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let song =
            Song_ { song_id: id.to_string(), visibility: Visibility::Public.into(), ..Default::default() };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["visibility".into()] });
        let update = UpdateSongRequest { song: Some(song), update_mask };
        world.api.update_song(by(owner, update)).await.unwrap();
        let scanned = all(&world, 10, &[]).await.remove(0);
        let fact = world.facts().await.pop().unwrap();
        let header = crate::fact::header_of(&fact).unwrap();
        assert_eq!((scanned.version, &scanned.song_id), (fact.sequence, &header.song_id));
        assert_eq!(scanned.state().as_str_name(), format!("SONG_STATE_{}", header.state));
        assert_eq!(scanned.visibility().as_str_name(), format!("VISIBILITY_{}", header.visibility));
        assert_eq!(
            (scanned.owner_id, scanned.title, scanned.artists, scanned.album, scanned.album_artist),
            (
                header.owner_id.clone(),
                header.title.clone(),
                header.artists.clone(),
                header.album.clone(),
                header.album_artist.clone()
            )
        );
        assert_eq!(
            (scanned.genre, scanned.year, scanned.duration_ms, scanned.create_time),
            (header.genre.clone(), header.year, header.duration_ms, header.create_time)
        );
    }
}

#[tokio::test]
async fn states_choose_and_tombstones_are_not_there() {
    for world in worlds().await {
        let owner = UserId::new();
        let begun = world.create(owner, 5).await.to_string();
        let ready = world.ready(owner).await.to_string();
        let gone = world.ready(owner).await.to_string();
        let request = DeleteSongRequest { song_id: gone, etag: String::new() };
        world.api.delete_song(by(owner, request)).await.unwrap();
        let ids = |songs: Vec<ScannedSong>| songs.into_iter().map(|s| s.song_id).collect::<Vec<_>>();
        assert_eq!(ids(all(&world, 10, &[SongState::Ready]).await), std::slice::from_ref(&ready));
        assert_eq!(ids(all(&world, 1, &[SongState::Created]).await), std::slice::from_ref(&begun));
        assert_eq!(ids(all(&world, 1, &[]).await), [begun, ready]);
    }
}

#[tokio::test]
async fn a_token_opens_only_the_query_that_it_came_from() {
    for world in worlds().await {
        for _ in 0..2 {
            world.create(UserId::new(), 5).await;
        }
        let first = scan(&world, ScanSongsRequest { page_size: 1, ..Default::default() }).await;
        let page_token = first.next_page_token;
        let bad = [
            ScanSongsRequest { page_token: "garbage".into(), ..Default::default() },
            ScanSongsRequest { page_token, states: vec![SongState::Ready.into()], ..Default::default() },
            ScanSongsRequest { page_size: -1, ..Default::default() },
            ScanSongsRequest { states: vec![77], ..Default::default() },
        ];
        for request in bad {
            let role = Caller::Role("search".into());
            let answer = world.api.scan_songs(as_caller(&role, request)).await;
            fails(answer, Code::InvalidArgument, "FIELD_INVALID");
        }
    }
}
