//! Relays and connections die at random moments while many write.

use crate::{
    bus::Recorder,
    database::{SOURCES, TestDatabase, emit, on_postgres, run},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use segue_cdc::Source;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const WRITERS: u64 = 8;

/// Commits facts of one subject, some transactions with several, some rolled back, some slow; returns the ids in
/// order.
async fn write(database: &TestDatabase, seed: u64, stop: Arc<AtomicBool>) -> (String, Vec<String>) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut sql = database.sql().await;
    let subject = format!("subject-{seed}");
    let (mut ids, mut sequence) = (Vec::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        run(&mut sql, "BEGIN").await;
        let mut mine = Vec::new();
        for _ in 0..random.random_range(1..4) {
            mine.push(emit(&mut sql, "outbox", &subject, sequence + 1 + mine.len() as i64).await);
        }
        if random.random_ratio(1, 10) {
            tokio::time::sleep(Duration::from_millis(random.random_range(1..60))).await;
        }
        if random.random_ratio(1, 10) {
            run(&mut sql, "ROLLBACK").await;
        } else {
            run(&mut sql, "COMMIT").await;
            sequence += mine.len() as i64;
            ids.extend(mine);
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..4))).await;
    }
    (subject, ids)
}

async fn kills(database: &TestDatabase, source: Source, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let bus = Arc::<Recorder>::default();
    database.provision(source).await;
    let stop = Arc::<AtomicBool>::default();
    let killer = async {
        let end = Instant::now() + Duration::from_secs(8);
        let mut kills = 0;
        let mut relay = database.start(&bus, source);
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(random.random_range(50..600))).await;
            kills += 1;
            match random.random_range(0..3) {
                0 => database.cut_stream().await,
                1 => bus.failures.store(random.random_range(1..4), Ordering::SeqCst),
                _ => {
                    relay.kill().await;
                    relay = database.start(&bus, source);
                }
            }
        }
        stop.store(true, Ordering::SeqCst);
        (relay, kills)
    };
    let writers = futures::future::join_all((0..WRITERS).map(|n| write(database, seed + n, stop.clone())));
    let ((relay, kills), written) = tokio::join!(killer, writers);
    bus.hears_all(written.iter().flat_map(|(_, ids)| ids)).await;
    let first = bus.first_heard();
    let mut count = 0;
    for (subject, ids) in written {
        count += ids.len();
        assert_eq!(first[&subject], ids, "{source:?}, seed {seed}: order per subject, and nothing else");
    }
    println!("{source:?}, seed {seed}: {count} facts, {kills} kills, {} repeats", bus.count() - count);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_subjects_stay_in_order_under_kills() {
    for source in SOURCES {
        on_postgres(async |database| kills(database, source, 7).await).await;
    }
}

/// Several relays at once, all of which are killed and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_relays_that_die_in_turn_lose_nothing() {
    for source in SOURCES {
        on_postgres(async |database| {
            let mut random = StdRng::seed_from_u64(11);
            let bus = Arc::<Recorder>::default();
            database.provision(source).await;
            let stop = Arc::<AtomicBool>::default();
            let killer = async {
                let mut relays = [(); 3].map(|()| Some(database.start(&bus, source)));
                for _ in 0..12 {
                    tokio::time::sleep(Duration::from_millis(random.random_range(100..900))).await;
                    let victim = &mut relays[random.random_range(0..3)];
                    victim.take().unwrap().kill().await;
                    *victim = Some(database.start(&bus, source));
                }
                stop.store(true, Ordering::SeqCst);
                relays
            };
            let writers = futures::future::join_all((0..4).map(|n| write(database, 20 + n, stop.clone())));
            let (relays, written) = tokio::join!(killer, writers);
            bus.hears_all(written.iter().flat_map(|(_, ids)| ids)).await;
            let first = bus.first_heard();
            for (subject, ids) in written {
                assert_eq!(first[&subject], ids, "{source:?}");
            }
            let mut stops = JoinSet::new();
            relays.into_iter().flatten().for_each(|relay| drop(stops.spawn(relay.stop())));
            stops.join_all().await;
        })
        .await;
    }
}
