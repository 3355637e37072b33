//! Counts are told in batches, for those who rank by them.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_proto::event::v1::{Event, event::Data};
use std::time::Duration;

/// Song, plays, skips and likes in the batches among `facts`.
fn told(facts: &[Event]) -> Vec<Vec<(String, u64, u64, u64)>> {
    let batches = facts.iter().filter_map(|event| match &event.data {
        Some(Data::SongsPlayed(played)) => {
            assert_eq!(event.r#type, "songs.played.v1");
            Some(played.counts.iter().map(|c| (c.song_id.clone(), c.plays, c.skips, c.likes)).collect())
        }
        _ => None,
    });
    batches.collect()
}

impl World {
    async fn heard(&self, song: SongId) {
        self.record(UserId::new(), &[play(song, NOW)]).await;
        self.relay().await;
    }

    async fn publish(&self) -> Vec<Vec<(String, u64, u64, u64)>> {
        self.clock.advance(Duration::from_secs(10));
        self.role.publish_changed().await.unwrap();
        told(&self.facts().await)
    }
}

#[tokio::test]
async fn each_batch_holds_what_has_changed_since_the_last() {
    for world in worlds().await {
        assert!(world.publish().await.is_empty(), "nothing was heard");
        let (a, b) = (world.public(), world.public());
        world.heard(a).await;
        world.heard(b).await;
        world.like(UserId::new(), b).await.unwrap();
        world.relay().await;
        let expected = [vec![(a.to_string(), 1, 0, 0), (b.to_string(), 1, 0, 1)]];
        assert_eq!(world.publish().await, expected, "{}", world.test.engine);
        assert!(world.publish().await.is_empty());
        world.heard(b).await;
        assert_eq!(world.publish().await, [[(b.to_string(), 2, 0, 1)]]);
        world.heard(a).await;
        world.song_deleted(a).await;
        assert!(world.publish().await.is_empty(), "who hears that it is gone needs no counts");
    }
}

#[tokio::test]
async fn processes_take_turns_and_what_they_say_is_in_order() {
    for world in worlds().await {
        let song = world.public();
        world.heard(song).await;
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(world.role.publish_changed().await.unwrap(), 1);
        world.heard(song).await;
        assert_eq!(world.role.publish_changed().await.unwrap(), 0, "another process has just done it");
        let first = world.facts().await;
        // As when they do it at the same time all the same.
        for _ in 0..5 {
            world.heard(song).await;
            let both = [(); 3].map(|()| world.role.library.popularity.publish(None, 1000));
            for published in futures::future::join_all(both).await {
                published.unwrap();
            }
        }
        let facts = [first, world.facts().await].concat();
        let batches: Vec<&Event> =
            facts.iter().filter(|event| matches!(event.data, Some(Data::SongsPlayed(_)))).collect();
        let numbers: Vec<u64> = batches.iter().map(|event| event.sequence).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(batches.iter().all(|event| event.subject == batches[0].subject));
        let plays: Vec<u64> = told(&facts).iter().map(|batch| batch[0].1).collect();
        assert!(plays.is_sorted() && plays.last() == Some(&7), "{}: {plays:?}", world.test.engine);
        assert!(!world.role.library.popularity.any().await.unwrap());
    }
}

#[tokio::test]
async fn a_large_change_is_told_in_several_batches() {
    for world in worlds().await {
        let songs: Vec<SongId> = (0..7).map(|_| world.public()).collect();
        let plays: Vec<_> = songs.iter().map(|song| play(*song, NOW)).collect();
        world.record(UserId::new(), &plays).await;
        world.relay().await;
        let (mut sizes, mut after) = (Vec::new(), None);
        while let Some(batch) = world.role.library.popularity.publish(after, 3).await.unwrap() {
            sizes.push(batch.songs);
            after = Some(batch.last);
        }
        assert_eq!(sizes, [3, 3, 1], "{}", world.test.engine);
        let all: Vec<_> = told(&world.facts().await).into_iter().flatten().map(|count| count.0).collect();
        assert_eq!(all, songs.iter().map(SongId::to_string).collect::<Vec<_>>());
    }
}
