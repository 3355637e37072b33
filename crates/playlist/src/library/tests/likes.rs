//! Likes.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_proto::{
    playlist::v1::{library_service_server::LibraryService, *},
    song::v1::{SongState, Visibility},
};
use tonic::Code;

#[tokio::test]
async fn liking_again_changes_nothing_and_the_last_comes_first() {
    for world in worlds().await {
        let (user, songs) = (UserId::new(), [world.public(), world.public(), world.public()]);
        for song in songs {
            assert_eq!(world.like(user, song).await.unwrap(), world.role.now());
            world.advance(1000);
        }
        assert_eq!(world.like(user, songs[0]).await.unwrap(), NOW, "{}", world.test.engine);
        let ids = |likes: Vec<Like>| likes.into_iter().map(|like| like.song_id).collect::<Vec<_>>();
        let [a, b, c] = songs.map(|song| song.to_string());
        assert_eq!(ids(world.likes(user, 50).await), [c.clone(), b, a.clone()]);
        for _ in 0..2 {
            world.unlike(user, songs[1]).await;
        }
        assert_eq!(ids(world.likes(user, 50).await), [c, a]);
        world.like(user, songs[1]).await.unwrap();
        assert_eq!(world.likes(user, 50).await[0].song_id, songs[1].to_string());
        assert!(world.likes(UserId::new(), 50).await.is_empty(), "likes are each account's own");
    }
}

#[tokio::test]
async fn only_what_is_seen_can_be_liked() {
    for world in worlds().await {
        let owner = UserId::new();
        let hidden = world.song(owner, Visibility::Private);
        for song in [hidden, SongId::new()] {
            fails(world.like(UserId::new(), song).await, Code::NotFound, "SONG_NOT_FOUND");
        }
        world.like(owner, hidden).await.unwrap();
        for bad in ["", "song", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
            let like = world.api.like_song(by(owner, LikeSongRequest { song_id: bad.into() })).await;
            fails(like, Code::InvalidArgument, "FIELD_INVALID");
            let unlike = world.api.unlike_song(by(owner, UnlikeSongRequest { song_id: bad.into() })).await;
            fails(unlike, Code::InvalidArgument, "FIELD_INVALID");
        }
        assert_eq!(world.rows("likes").await, 1);
    }
}

#[tokio::test]
async fn what_is_gone_hidden_or_not_ready_is_shown_as_unavailable() {
    for world in worlds().await {
        let (user, songs) = (UserId::new(), [(); 4].map(|()| world.public()));
        for song in songs {
            world.like(user, song).await.unwrap();
            world.advance(1);
        }
        {
            let mut rows = world.songs.rows.lock().unwrap();
            rows.remove(&songs[0]);
            rows.get_mut(&songs[1]).unwrap().visibility = Visibility::Private.into();
            rows.get_mut(&songs[2]).unwrap().state = SongState::Failed.into();
        }
        let calls = *world.songs.calls.lock().unwrap();
        let shown: Vec<_> = world.likes(user, 50).await;
        let shown: Vec<_> = shown.iter().rev().map(|like| (like.song.is_some(), like.available)).collect();
        assert_eq!(shown, [(false, false), (false, false), (true, false), (true, true)]);
        assert_eq!(*world.songs.calls.lock().unwrap(), calls + 1, "one call for a page");
    }
}

#[tokio::test]
async fn pages_hold_every_like_once_though_all_are_of_the_same_moment() {
    for world in worlds().await {
        let user = UserId::new();
        let mut songs: Vec<String> = Vec::new();
        for _ in 0..21 {
            let song = world.public();
            world.like(user, song).await.unwrap();
            songs.push(song.to_string());
        }
        songs.sort_unstable();
        songs.reverse();
        for size in [1, 7, 20, 21, 22] {
            let likes = world.likes(user, size).await;
            let ids: Vec<_> = likes.into_iter().map(|like| like.song_id).collect();
            assert_eq!(ids, songs, "{} {size}", world.test.engine);
        }
    }
}

#[tokio::test]
async fn a_token_opens_only_its_own_list() {
    for world in worlds().await {
        let user = UserId::new();
        for _ in 0..3 {
            let song = world.public();
            world.like(user, song).await.unwrap();
            world.record(user, &[play(song, NOW)]).await;
        }
        let list = |user, page_size, page_token: &str| {
            let page_token = page_token.to_owned();
            world.api.list_likes(by(user, ListLikesRequest { page_size, page_token }))
        };
        let token = list(user, 2, "").await.unwrap().into_inner().next_page_token;
        let played = |order: PlayedOrder, page_token| {
            let request = ListPlayedRequest { page_size: 2, page_token, order: order.into() };
            world.api.list_played(by(user, request))
        };
        let most = played(PlayedOrder::Most, String::new()).await.unwrap().into_inner().next_page_token;
        let history = ListHistoryRequest { page_token: most.clone(), ..Default::default() };
        fails(world.api.list_history(by(user, history)).await, Code::InvalidArgument, "FIELD_INVALID");
        fails(played(PlayedOrder::Recent, most).await, Code::InvalidArgument, "FIELD_INVALID");
        fails(played(PlayedOrder::Most, token.clone()).await, Code::InvalidArgument, "FIELD_INVALID");
        for (who, size, token) in [
            (UserId::new(), 2, token.as_str()),
            (user, 2, "garbage"),
            (user, -1, ""),
            (user, 2, &"A".repeat(5000)),
        ] {
            fails(list(who, size, token).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        assert_eq!(list(user, i32::MAX, &token).await.unwrap().into_inner().likes.len(), 1);
    }
}
