//! ListSongs.

use super::world::*;
use crate::{consume::Inbox, repository::Page};
use segue_domain::UserId;
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::time::Duration;
use tonic::Code;

async fn list(world: &World, owner: UserId, request: ListSongsRequest) -> ListSongsResponse {
    world.api.list_songs(by(owner, request)).await.unwrap().into_inner()
}

fn ids(answer: &ListSongsResponse) -> Vec<String> {
    answer.songs.iter().map(|s| s.song_id.clone()).collect()
}

#[tokio::test]
async fn pages_go_from_new_to_old_and_hold_every_song_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let mut made = Vec::new();
        for n in 0..7 {
            made.push(world.create(owner, 5).await.to_string());
            // Two songs of the same millisecond are told apart by id.
            world.advance(Duration::from_millis(n % 2));
        }
        world.create(UserId::new(), 5).await;
        world.relay().await;
        made.reverse();
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let page =
                list(&world, owner, ListSongsRequest { page_size: 3, page_token, ..Default::default() })
                    .await;
            seen.extend(ids(&page));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, made, "{}", world.test.engine);
    }
}

#[tokio::test]
async fn filters_find_what_was_uploaded_and_what_was_begun() {
    for world in worlds().await {
        let owner = UserId::new();
        let begun = world.create(owner, 5).await;
        let ready = world.ready(owner).await;
        let other = CreateSongRequest { sha256: sha(9).to_uppercase(), ..request(5) };
        let other = world.api.create_song(by(owner, other)).await.unwrap().into_inner().song.unwrap().song_id;
        world.relay().await;
        let states = |states: &[SongState]| states.iter().map(|s| i32::from(*s)).collect::<Vec<_>>();
        let find = |states, sha256: &str| {
            list(&world, owner, ListSongsRequest { states, sha256: sha256.into(), ..Default::default() })
        };
        assert_eq!(ids(&find(states(&[SongState::Ready]), "").await), [ready.to_string()]);
        assert_eq!(ids(&find(states(&[SongState::Created]), &sha(1)).await), [begun.to_string()]);
        assert_eq!(ids(&find(Vec::new(), &sha(9)).await), [other]);
        assert_eq!(find(Vec::new(), "").await.songs.len(), 3);
    }
}

#[tokio::test]
async fn late_and_repeated_facts_do_not_turn_the_list_back() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        world
            .api
            .delete_song(by(owner, DeleteSongRequest { song_id: id.to_string(), etag: String::new() }))
            .await
            .unwrap();
        let mut facts = world.facts().await;
        facts.reverse();
        for event in facts.iter().chain(&facts) {
            world.role().handle(Inbox::OwnerList, event.clone()).await.unwrap();
        }
        let all = Page { owner, states: Vec::new(), sha256: None, after: None, size: 10 };
        assert_eq!(world.role().list.page(&all).await.unwrap(), [], "{}", world.test.engine);
    }
}

#[tokio::test]
async fn a_token_opens_only_the_query_that_it_came_from() {
    for world in worlds().await {
        let owner = UserId::new();
        for _ in 0..3 {
            world.create(owner, 5).await;
        }
        world.relay().await;
        let page_token = list(&world, owner, ListSongsRequest { page_size: 1, ..Default::default() })
            .await
            .next_page_token;
        let again = ListSongsRequest { page_token: page_token.clone(), ..Default::default() };
        assert_eq!(list(&world, owner, again.clone()).await.songs.len(), 2, "the size may change");
        let bad = [
            (UserId::new(), again.clone()),
            (owner, ListSongsRequest { states: vec![SongState::Ready.into()], ..again.clone() }),
            (owner, ListSongsRequest { sha256: sha(1), ..again.clone() }),
            (owner, ListSongsRequest { page_token: "garbage".into(), ..again.clone() }),
            (owner, ListSongsRequest { page_size: -1, ..Default::default() }),
            (owner, ListSongsRequest { states: vec![77], ..Default::default() }),
            (owner, ListSongsRequest { sha256: "abc".into(), ..Default::default() }),
        ];
        for (caller, request) in bad {
            fails(world.api.list_songs(by(caller, request)).await, Code::InvalidArgument, "FIELD_INVALID");
        }
    }
}
