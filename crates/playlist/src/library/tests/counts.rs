//! Counts by everybody are exact, whatever happens to the facts and to those who handle them.

use super::world::*;
use crate::library::consume::Inbox;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use segue_domain::{SongId, UserId};
use segue_proto::event::v1::Event;
use std::time::Duration;

/// Three accounts that like and hear four songs; what the counts must be.
async fn busy(world: &World) -> (UserId, Vec<SongId>, Vec<(u64, u64, u64)>) {
    let songs: Vec<SongId> = (0..4).map(|_| world.public()).collect();
    let users = [(); 3].map(|()| UserId::new());
    for user in users {
        for round in 0..3 {
            world.record(user, &[play(songs[0], NOW), skip(songs[1], NOW), play(songs[2], NOW)]).await;
            world.like(user, songs[1]).await.unwrap();
            if round == 1 {
                world.unlike(user, songs[1]).await;
                world.like(user, songs[3]).await.unwrap();
            }
        }
        world.unlike(user, songs[3]).await;
    }
    (users[0], songs, vec![(9, 0, 0), (0, 9, 3), (9, 0, 0), (0, 0, 0)])
}

#[tokio::test]
async fn facts_that_come_again_in_any_order_and_at_the_same_time_count_once() {
    let mut random = StdRng::seed_from_u64(5);
    for world in worlds().await {
        let (user, songs, counts) = busy(&world).await;
        let facts = world.facts().await;
        let mut again: Vec<&Event> = facts.iter().chain(&facts).chain(&facts).collect();
        again.shuffle(&mut random);
        for part in again.chunks(8) {
            futures::future::join_all(part.iter().map(|event| world.count(event))).await;
        }
        assert_eq!(world.stats(user, &songs).await, counts, "{}", world.test.engine);
        assert_eq!(world.rows("tallies").await, 0);
    }
}

#[tokio::test]
async fn who_is_killed_while_counting_loses_and_doubles_nothing() {
    let mut random = StdRng::seed_from_u64(6);
    for world in worlds().await {
        let (user, songs, counts) = busy(&world).await;
        for event in world.facts().await {
            // Counted, and killed before that is written down.
            let (role, fact) = (world.role.clone(), event.clone());
            let killed = KILLED.scope(true, async move { role.handle_library(Inbox::Counts, &fact).await });
            // Nothing waits any more when an earlier fact's handler has done it.
            let _ = tokio::spawn(killed).await;
            // Killed anywhere.
            for _ in 0..4 {
                let time = Duration::from_micros(random.random_range(0..4000));
                let _ = tokio::time::timeout(time, world.role.handle_library(Inbox::Counts, &event)).await;
            }
            if random.random_bool(0.5) {
                world.count(&event).await;
            }
        }
        world.clock.advance(Duration::from_secs(61));
        world.role.sweep_library().await;
        assert_eq!(world.stats(user, &songs).await, counts, "{}", world.test.engine);
    }
}

#[tokio::test]
async fn facts_that_are_lost_are_made_up_for_and_notes_are_deleted_when_they_have_served() {
    for world in worlds().await {
        let (user, songs, counts) = busy(&world).await;
        let facts = world.facts().await;
        world.role.sweep_library().await;
        assert_eq!(world.stats(user, &songs[..1]).await, [(0, 0, 0)], "they may still come");
        world.clock.advance(Duration::from_secs(61));
        world.role.sweep_library().await;
        assert_eq!(world.stats(user, &songs).await, counts, "{}", world.test.engine);

        let notes = world.rows("song_tallies").await;
        assert!(notes > 0);
        // Something waits that is as old as the notes: they are still needed.
        world.clock.advance(Duration::from_secs(2 * 24 * 3600));
        world.record(UserId::new(), &[play(songs[0], NOW)]).await;
        world.clock.advance(Duration::from_secs(50));
        let waiting = world.facts().await;
        world.role.sweep_library().await;
        assert_eq!(world.rows("song_tallies").await, 0, "those of before have served");
        for event in facts.iter().chain(&waiting) {
            world.count(event).await;
        }
        let counts: Vec<_> = std::iter::once((10, 0, 0)).chain(counts.into_iter().skip(1)).collect();
        assert_eq!(world.stats(user, &songs).await, counts);
    }
}

#[tokio::test]
async fn notes_are_kept_while_a_tally_waits_that_is_as_old() {
    for world in worlds().await {
        let (user, song) = (UserId::new(), world.public());
        world.record(user, &[play(song, NOW)]).await;
        let role = world.role.clone();
        let killed = KILLED.scope(true, async move { role.count(user).await });
        assert!(tokio::spawn(killed).await.is_err(), "it is killed between counting and writing that down");
        assert_eq!((world.rows("tallies").await, world.rows("song_tallies").await), (1, 1));
        world.clock.advance(Duration::from_secs(3 * 24 * 3600));
        // As a sweep does that cannot count.
        world.role.forget_counted().await.unwrap();
        assert_eq!(world.rows("song_tallies").await, 1, "{}", world.test.engine);
        world.role.count(user).await.unwrap();
        assert_eq!(world.stats(user, &[song]).await, [(1, 0, 0)]);
        world.clock.advance(Duration::from_secs(2 * 24 * 3600));
        world.role.sweep_library().await;
        assert_eq!(world.rows("song_tallies").await, 0);
    }
}

#[tokio::test]
async fn nothing_leads_from_a_song_to_an_account_whose_history_was_deleted() {
    for world in worlds().await {
        let (user, song) = (UserId::new(), world.public());
        world.record(user, &[play(song, NOW)]).await;
        let old = world.facts().await;
        world.delete_history(user, None).await;
        // It was not counted yet, and still is.
        world.clock.advance(Duration::from_secs(1));
        world.record(user, &[play(song, world.role.now())]).await;
        for event in old.iter().chain(&world.facts().await).chain(&old) {
            world.count(event).await;
        }
        assert_eq!(world.stats(user, &[song]).await, [(2, 0, 0)], "{}", world.test.engine);
        assert_eq!(world.rows("song_tallies").await, 2, "under two ids of the library");
    }
}
