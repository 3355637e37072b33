//! Random histories of accounts that like, hear and forget, of songs and accounts that go, and of facts that come again, in any
//! order, or not at all, against a model that does the same in the plainest way.

use super::world::*;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use segue_domain::{SongId, Timestamp, UserId};
use segue_mesh::from_proto;
use segue_proto::{
    event::v1::Event,
    playlist::v1::{Play, PlayedOrder},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const STEPS: u32 = 160;

#[derive(Default)]
struct Model {
    likes: BTreeMap<(UserId, SongId), Timestamp>,
    /// By account and event: song, start, whether it was skipped.
    plays: BTreeMap<(UserId, String), (SongId, Timestamp, bool)>,
    forgotten_before: BTreeMap<UserId, Timestamp>,
    /// Plays and skips ever.
    heard: BTreeMap<SongId, (u64, u64)>,
    songs_gone: BTreeSet<SongId>,
    users_gone: BTreeSet<UserId>,
}

impl Model {
    fn record(&mut self, user: UserId, play: &Play, now: Timestamp) {
        let song: SongId = play.song_id.parse().unwrap();
        let started = from_proto(&play.start_time.unwrap()).min(now);
        let forgotten = self.forgotten_before.get(&user).is_some_and(|before| started < *before);
        if forgotten || self.plays.contains_key(&(user, play.event_id.clone())) {
            return;
        }
        self.plays.insert((user, play.event_id.clone()), (song, started, play.skipped));
        let heard = self.heard.entry(song).or_default();
        if play.skipped {
            heard.1 += 1;
        } else {
            heard.0 += 1;
        }
    }

    fn forget(&mut self, user: UserId, before: Timestamp) {
        self.plays.retain(|(who, _), (_, started, _)| *who != user || *started >= before);
        let known = self.forgotten_before.entry(user).or_default();
        *known = before.max(*known);
    }

    fn song_gone(&mut self, song: SongId) {
        self.songs_gone.insert(song);
        self.likes.retain(|(_, liked), _| *liked != song);
    }

    fn user_gone(&mut self, user: UserId) {
        self.users_gone.insert(user);
        self.likes.retain(|(who, _), _| *who != user);
        self.forget(user, Timestamp(i64::MAX));
    }

    fn played(&self, user: UserId) -> BTreeMap<String, (u64, u64, Timestamp)> {
        let mut sums: BTreeMap<String, (u64, u64, Timestamp)> = BTreeMap::new();
        for ((_, _), (song, started, skipped)) in self.plays.iter().filter(|((who, _), _)| *who == user) {
            let sum = sums.entry(song.to_string()).or_default();
            *(if *skipped { &mut sum.1 } else { &mut sum.0 }) += 1;
            sum.2 = sum.2.max(*started);
        }
        sums
    }

    fn stats(&self, song: SongId) -> (u64, u64, u64) {
        let (plays, skips) = self.heard.get(&song).copied().unwrap_or_default();
        let likes = self.likes.keys().filter(|(_, liked)| *liked == song).count() as u64;
        (plays, skips, likes)
    }
}

/// One history, and the comparison at its end.
async fn history(world: &World, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut model = Model::default();
    let users: Vec<UserId> = (0..4).map(|_| UserId::new()).collect();
    let songs: Vec<SongId> = (0..5).map(|_| world.public()).collect();
    let mut log: Vec<Play> = Vec::new();
    let mut facts: Vec<Event> = Vec::new();
    for _ in 0..STEPS {
        if random.random_bool(0.7) {
            world.advance(random.random_range(1..50));
        }
        let now = world.role.now();
        let (user, song) = (*users.choose(&mut random).unwrap(), *songs.choose(&mut random).unwrap());
        let gone = (model.users_gone.contains(&user), model.songs_gone.contains(&song));
        match random.random_range(0..100) {
            0..20 => {
                let liked = world.like(user, song).await;
                if gone == (false, false) {
                    assert_eq!(
                        liked.unwrap(),
                        *model.likes.entry((user, song)).or_insert(now),
                        "seed {seed}"
                    );
                } else {
                    liked.expect_err("it or who likes it is gone");
                }
            }
            20..32 => {
                world.unlike(user, song).await;
                model.likes.remove(&(user, song));
            }
            32..58 if !gone.0 => {
                // New ones and some of before, whoever heard them then.
                for _ in 0..random.random_range(1..4) {
                    let started = Timestamp(now.millis() + random.random_range(-400..60));
                    let heard =
                        if random.random_bool(0.3) { skip(song, started) } else { play(song, started) };
                    log.push(heard);
                }
                let count = random.random_range(1..8);
                let plays: Vec<Play> = (0..count).map(|_| log.choose(&mut random).unwrap().clone()).collect();
                let before = model.plays.len();
                plays.iter().for_each(|play| model.record(user, play, now));
                let new = (model.plays.len() - before) as u32;
                assert_eq!(world.record(user, &plays).await, (new, count - new), "seed {seed}");
            }
            58..62 => {
                let before = Timestamp(now.millis() - random.random_range(-100..600));
                let had = model.plays.len();
                model.forget(user, before.min(Timestamp(now.millis() + 1)));
                let deleted = world.delete_history(user, Some(before)).await;
                assert_eq!(deleted, (had - model.plays.len()) as u64, "seed {seed}");
            }
            62..64 if !gone.1 => {
                model.song_gone(song);
                world.song_deleted(song).await;
            }
            64 if !gone.0 => {
                model.user_gone(user);
                world.user_deleted(user).await;
            }
            65..72 => {
                world.clock.advance(Duration::from_secs(if random.random_bool(0.1) { 90_000 } else { 61 }));
                world.role.sweep_library().await;
            }
            _ => {
                facts.extend(world.facts().await);
                if let Some(event) = facts.choose(&mut random) {
                    let time = Duration::from_micros(random.random_range(0..9000));
                    // Sometimes killed on the way.
                    let _ = tokio::time::timeout(time, world.count(event)).await;
                }
            }
        }
    }
    world.clock.advance(Duration::from_secs(61));
    world.role.sweep_library().await;
    let engine = world.test.engine;
    let alive: Vec<SongId> = songs.iter().copied().filter(|s| !model.songs_gone.contains(s)).collect();
    let expected: Vec<_> = alive.iter().map(|song| model.stats(*song)).collect();
    assert_eq!(world.stats(users[0], &alive).await, expected, "{engine}, seed {seed}");
    for user in users {
        let likes = world.likes(user, 3).await.into_iter();
        let likes: BTreeMap<_, _> =
            likes.map(|l| ((user, l.song_id.parse().unwrap()), from_proto(&l.like_time.unwrap()))).collect();
        let expected: BTreeMap<(UserId, SongId), Timestamp> =
            model.likes.iter().filter(|((who, _), _)| *who == user).map(|(key, at)| (*key, *at)).collect();
        assert_eq!(likes, expected, "{engine}, seed {seed}");
        for order in [PlayedOrder::Most, PlayedOrder::Recent] {
            let played = world.played(user, order, 2).await.into_iter();
            let played: BTreeMap<_, _> =
                played.map(|(song, plays, skips, last)| (song, (plays, skips, last))).collect();
            assert_eq!(played, model.played(user), "{engine}, seed {seed}");
        }
        let events = world.history(user, 4).await.into_iter().map(|e| (user, e.play.unwrap().event_id));
        let expected = model.plays.keys().filter(|(who, _)| *who == user).cloned();
        assert_eq!(events.collect::<BTreeSet<_>>(), expected.collect(), "{engine}, seed {seed}");
    }
}

#[tokio::test]
async fn random_histories_end_as_the_model_does() {
    for world in worlds().await {
        for seed in 0..6 {
            history(&world, seed).await;
        }
    }
}
