//! Songs and accounts that are gone.

use super::world::*;
use segue_domain::UserId;
use segue_proto::playlist::v1::{PlayedOrder, RecordPlaysRequest, library_service_server::LibraryService};
use tonic::Code;

#[tokio::test]
async fn a_song_that_is_gone_takes_its_likes_and_counts_with_it_and_leaves_the_history() {
    for world in worlds().await {
        let (song, other) = (world.public(), world.public());
        let users: Vec<UserId> = (0..203).map(|_| UserId::new()).collect();
        for user in &users {
            world.like(*user, song).await.unwrap();
        }
        world.like(users[0], other).await.unwrap();
        world.record(users[0], &[play(song, NOW)]).await;
        world.relay().await;
        assert_eq!(world.stats(users[0], &[song, other]).await, [(1, 0, 203), (0, 0, 1)]);
        for _ in 0..2 {
            world.song_deleted(song).await;
        }
        assert_eq!(world.rows("likes").await, 1, "{}", world.test.engine);
        assert_eq!(world.rows("song_likes").await, 1);
        assert_eq!(world.likes(users[0], 50).await[0].song_id, other.to_string());
        let history = world.history(users[0], 50).await;
        assert_eq!((history.len(), history[0].available), (1, false));
        // What was heard offline before it was deleted.
        assert_eq!(world.record(users[1], &[play(song, NOW)]).await, (1, 0));
        world.relay().await;
        assert_eq!(world.played(users[1], PlayedOrder::Most, 50).await.len(), 1);
        assert_eq!(world.stats(users[0], &[song, other]).await, [(0, 0, 1)]);
    }
}

#[tokio::test]
async fn a_like_that_is_on_its_way_while_the_song_is_deleted_ends_too() {
    for world in worlds().await {
        let (user, song) = (UserId::new(), world.public());
        world.like(user, song).await.unwrap();
        world.song_deleted(song).await;
        assert_eq!(world.likes(user, 50).await.len(), 1, "nobody knows of it yet");
        world.relay().await;
        assert!(world.likes(user, 50).await.is_empty(), "{}", world.test.engine);
        assert_eq!((world.rows("song_likes").await, world.rows("tallies").await), (0, 0));
    }
}

#[tokio::test]
async fn an_account_that_is_gone_likes_nothing_and_has_heard_nothing_but_counts_what_it_heard() {
    for world in worlds().await {
        let (user, other) = (UserId::new(), UserId::new());
        let songs: Vec<_> = (0..205).map(|_| world.public()).collect();
        for song in &songs {
            world.like(user, *song).await.unwrap();
        }
        world.like(other, songs[0]).await.unwrap();
        let plays = [play(songs[0], NOW), skip(songs[1], NOW)];
        world.record(user, &plays).await;
        world.record(other, &plays).await;
        let before = world.facts().await;
        for _ in 0..2 {
            world.user_deleted(user).await;
        }
        world.relay().await;
        for event in &before {
            world.count(event).await;
        }
        assert_eq!(world.stats(other, &songs[..3]).await, [(2, 0, 1), (0, 2, 0), (0, 0, 0)]);
        assert_eq!(
            (world.rows("likes").await, world.rows("song_likes").await),
            (1, 1),
            "{}",
            world.test.engine
        );
        assert_eq!((world.rows("plays").await, world.rows("user_song_plays").await), (2, 2));
        // Its token lives a little longer.
        fails(world.like(user, songs[3]).await, Code::Unauthenticated, "ACCOUNT_GONE");
        let again = world.api.record_plays(by(user, RecordPlaysRequest { plays: plays.to_vec() })).await;
        fails(again, Code::Unauthenticated, "ACCOUNT_GONE");
        world.unlike(user, songs[0]).await;
        assert!(world.likes(user, 50).await.is_empty());
        assert_eq!(world.likes(other, 50).await.len(), 1);
    }
}
