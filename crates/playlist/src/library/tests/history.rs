//! Listening history.

use super::world::*;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use segue_domain::{SongId, Timestamp, UserId};
use segue_proto::playlist::v1::{library_service_server::LibraryService, *};
use std::time::Duration;
use tonic::Code;

fn at(millis: i64) -> Timestamp {
    Timestamp(NOW.millis() - 1_000_000 + millis)
}

/// Plays and skips of two songs, some at the same moment.
fn log(a: SongId, b: SongId) -> Vec<Play> {
    (0..30).map(|i| if i % 3 == 0 { skip(b, at(i / 2)) } else { play(a, at(i / 2)) }).collect()
}

#[tokio::test]
async fn a_log_that_is_sent_three_times_changes_nothing() {
    for world in worlds().await {
        let (user, a, b) = (UserId::new(), world.public(), world.public());
        let log = log(a, b);
        assert_eq!(world.record(user, &log).await, (30, 0), "{}", world.test.engine);
        for _ in 0..2 {
            assert_eq!(world.record(user, &log).await, (0, 30));
        }
        // Part of it in a new log.
        let more = [&log[10..], &[play(b, at(99))]].concat();
        assert_eq!(world.record(user, &more).await, (1, 20));
        world.relay().await;
        assert_eq!(world.history(user, 7).await.len(), 31);
        let expected = [(a.to_string(), 20, 0, at(14)), (b.to_string(), 1, 10, at(99))];
        assert_eq!(world.played(user, PlayedOrder::Most, 50).await, expected);
        assert_eq!(world.stats(user, &[a, b]).await, [(20, 0, 0), (1, 10, 0)]);
        // The same events of somebody else are others.
        assert_eq!(world.record(UserId::new(), &log).await, (30, 0));
    }
}

#[tokio::test]
async fn a_log_may_come_in_any_order_in_pieces_and_at_the_same_time() {
    let mut random = StdRng::seed_from_u64(11);
    for world in worlds().await {
        let (user, a, b) = (UserId::new(), world.public(), world.public());
        let log = log(a, b);
        let senders = (0..8).map(|_| {
            let mut log = log.clone();
            log.shuffle(&mut random);
            let world = &world;
            async move {
                let mut recorded = 0;
                for part in log.chunks(11) {
                    recorded += world.record(user, part).await.0;
                }
                recorded
            }
        });
        let recorded: u32 = futures::future::join_all(senders).await.into_iter().sum();
        assert_eq!(recorded, 30, "{}", world.test.engine);
        world.relay().await;
        let history = world.history(user, 50).await;
        let order: Vec<_> = history
            .iter()
            .map(|entry| {
                let play = entry.play.as_ref().unwrap();
                (play.start_time.unwrap().seconds, play.start_time.unwrap().nanos, play.event_id.clone())
            })
            .collect();
        assert!(order.is_sorted_by(|a, b| a > b), "{order:?}");
        assert_eq!(world.stats(user, &[a, b]).await, [(20, 0, 0), (0, 10, 0)]);
    }
}

#[tokio::test]
async fn the_first_content_of_an_event_wins() {
    for world in worlds().await {
        let (user, a, b) = (UserId::new(), world.public(), world.public());
        let first = play(a, at(0));
        let other = Play { song_id: b.to_string(), skipped: true, ..first.clone() };
        assert_eq!(world.record(user, &[first.clone(), other.clone()]).await, (1, 1));
        assert_eq!(world.record(user, &[other]).await, (0, 1));
        assert_eq!(world.history(user, 50).await[0].play.as_ref(), Some(&first));
        world.relay().await;
        assert_eq!(world.stats(user, &[a, b]).await, [(1, 0, 0), (0, 0, 0)]);
    }
}

#[tokio::test]
async fn the_future_counts_as_now_and_songs_may_be_gone() {
    for world in worlds().await {
        let user = UserId::new();
        let never = SongId::new();
        let future = Timestamp(NOW.millis() + 1_000_000);
        assert_eq!(world.record(user, &[play(never, future), skip(never, Timestamp(0))]).await, (2, 0));
        let history = world.history(user, 50).await;
        let times: Vec<_> = history.iter().map(|e| e.play.as_ref().unwrap().start_time.unwrap()).collect();
        assert_eq!(times, [NOW, Timestamp(0)].map(segue_mesh::to_proto));
        assert!(history.iter().all(|entry| entry.song.is_none() && !entry.available));
        world.relay().await;
        assert_eq!(world.stats(user, &[never]).await, [], "its counts are for those who see it");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_as_a_whole() {
    for world in worlds().await {
        let user = UserId::new();
        let good = || play(SongId::new(), at(0));
        let too_many: Vec<Play> = (0..201).map(|_| good()).collect();
        let bad = Play { event_id: "1".into(), ..good() };
        for plays in [vec![], too_many, vec![good(), bad]] {
            let answer = world.api.record_plays(by(user, RecordPlaysRequest { plays })).await;
            fails(answer, Code::InvalidArgument, "FIELD_INVALID");
        }
        let before = Some(prost_types::Timestamp { seconds: i64::MIN, nanos: -5 });
        let answer = world.api.delete_history(by(user, DeleteHistoryRequest { before })).await;
        fails(answer, Code::InvalidArgument, "FIELD_INVALID");
        let order = ListPlayedRequest { order: 9, ..Default::default() };
        fails(world.api.list_played(by(user, order)).await, Code::InvalidArgument, "FIELD_INVALID");
        let song_ids = vec![SongId::new().to_string(); 201];
        let many = world.api.batch_get_song_stats(by(user, BatchGetSongStatsRequest { song_ids })).await;
        fails(many, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(world.rows("plays").await, 0, "{}", world.test.engine);
    }
}

#[tokio::test]
async fn both_orders_of_what_was_heard_hold_every_song_once() {
    for world in worlds().await {
        let user = UserId::new();
        let songs: Vec<SongId> = (0..12).map(|_| world.public()).collect();
        let mut plays = Vec::new();
        for (i, song) in songs.iter().enumerate() {
            // Ties in the number, and in number and time.
            plays.extend((0..i % 4).map(|_| play(*song, at((i / 6) as i64))));
            plays.push(skip(*song, at(0)));
        }
        world.record(user, &plays).await;
        for order in [PlayedOrder::Most, PlayedOrder::Recent] {
            let whole = world.played(user, order, 50).await;
            assert_eq!(whole.len(), 12);
            let key = |row: &(String, u64, u64, Timestamp)| match order {
                PlayedOrder::Most => (row.1, row.3, row.0.clone()),
                _ => (0, row.3, row.0.clone()),
            };
            assert!(whole.is_sorted_by(|a, b| key(a) > key(b)), "{order:?}: {whole:?}");
            for size in [1, 5, 11, 12] {
                assert_eq!(world.played(user, order, size).await, whole, "{} {size}", world.test.engine);
            }
        }
    }
}

#[tokio::test]
async fn a_deleted_history_stays_deleted_and_the_counts_stay() {
    for world in worlds().await {
        let (user, a, b) = (UserId::new(), world.public(), world.public());
        let old = [play(a, at(1)), skip(a, at(2)), play(b, at(3))];
        let new = [play(a, at(10)), play(a, at(11))];
        world.record(user, &[&old[..], &new[..]].concat()).await;
        let other = UserId::new();
        world.record(other, &[play(a, at(1))]).await;
        for deleted in [3, 0] {
            assert_eq!(world.delete_history(user, Some(at(10))).await, deleted, "{}", world.test.engine);
        }
        assert_eq!(world.played(user, PlayedOrder::Most, 50).await, [(a.to_string(), 2, 0, at(11))]);
        // A device that was offline sends its log again, with something older that nobody has seen.
        let late = [&old[..], &new[..], &[play(b, at(5))]].concat();
        assert_eq!(world.record(user, &late).await, (0, 6));
        assert_eq!(world.history(user, 50).await.len(), 2);
        world.relay().await;
        assert_eq!(world.stats(user, &[a, b]).await, [(4, 1, 0), (1, 0, 0)]);

        assert_eq!(world.delete_history(user, None).await, 2);
        assert!(world.history(user, 50).await.is_empty());
        assert!(world.played(user, PlayedOrder::Recent, 50).await.is_empty());
        assert_eq!(world.record(user, &late).await, (0, 6));
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(world.record(user, &[play(a, world.role.now())]).await, (1, 0), "life goes on");
        world.relay().await;
        assert_eq!(world.stats(user, &[a, b]).await, [(5, 1, 0), (1, 0, 0)]);
        assert_eq!(world.history(other, 50).await.len(), 1);
    }
}

#[tokio::test]
async fn a_long_history_is_deleted_in_pieces() {
    for world in worlds().await {
        let (user, song) = (UserId::new(), world.public());
        for _ in 0..6 {
            let plays: Vec<Play> = (0..200).map(|i| play(song, at(i % 7))).collect();
            world.record(user, &plays).await;
        }
        assert_eq!(world.delete_history(user, Some(at(3))).await, 522, "{}", world.test.engine);
        assert_eq!(world.played(user, PlayedOrder::Most, 50).await[0].1, 678);
        let future = Timestamp(NOW.millis() + 1_000_000);
        assert_eq!(world.delete_history(user, Some(future)).await, 678);
        world.clock.advance(Duration::from_secs(1));
        let now = world.role.now();
        assert_eq!(
            world.record(user, &[play(song, now)]).await,
            (1, 0),
            "what is still to be heard was not meant"
        );
    }
}
