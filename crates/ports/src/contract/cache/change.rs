//! Changes, and what arrives late.

use super::{Engine, LAG, World, fresh, read};
use crate::cache::Source::{Primary, Replica};
use futures::future::{BoxFuture, join_all};
use segue_domain::ManualClock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub(super) async fn serves_what_the_caller_has_seen(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.library.set(&world.id, 2, 1);
    assert_eq!(world.get(2).await, Some(2));
    assert_eq!(world.library.loads(), [(Replica, 1), (Replica, 1), (Primary, 1)]);
    assert_eq!(world.get(0).await, Some(2));
    assert_eq!(world.library.loads(), []);
    assert_eq!(world.get(9).await, Some(2), "what the primary says is the newest");
}

pub(super) async fn drops_what_was_replaced_and_asks_the_primary(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.library.set(&world.id, 2, 1);
    world.region.invalidate(&world.id, 2).await;
    world.library.loads();
    for _ in 0..2 {
        assert_eq!(world.get(0).await, Some(2));
    }
    assert_eq!(world.library.loads(), [(Primary, 1)]);
}

pub(super) async fn a_late_arrival_changes_nothing(world: World) {
    world.library.set(&world.id, 5, 5);
    assert_eq!(world.get(0).await, Some(5));
    for version in [3, 5, 1] {
        world.region.invalidate(&world.id, version).await;
        assert_eq!(world.get(0).await, Some(5));
    }
    assert_eq!(world.library.loads().len(), 1);
}

pub(super) async fn a_load_under_way_brings_nothing_back(world: World) {
    world.library.set(&world.id, 1, 1);
    world.library.hold();
    let before = world.get(0);
    let after = async {
        world.library.begun(1).await;
        world.library.set(&world.id, 2, 1);
        world.region.invalidate(&world.id, 2).await;
        let asked_after = world.get(0);
        let release = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            world.library.release();
        };
        tokio::join!(asked_after, release).0
    };
    let (before, after) = tokio::join!(before, after);
    assert!(matches!(before, Some(1 | 2)), "{before:?} for who asked before");
    assert_eq!(after, Some(2), "for who asked after");
    world.library.loads();
    assert_eq!(world.get(0).await, Some(2));
    assert_eq!(world.library.loads(), []);
}

pub(super) async fn what_is_created_is_there(world: World) {
    assert_eq!(world.get(0).await, None);
    world.library.set(&world.id, 1, 0);
    world.region.invalidate(&world.id, 1).await;
    assert_eq!(world.get(0).await, Some(1));
}

pub(super) async fn a_replica_is_asked_again_after_a_minute(world: World) {
    world.library.set(&world.id, 2, 2);
    world.region.invalidate(&world.id, 2).await;
    world.clock.advance(LAG + Duration::from_secs(1));
    assert_eq!(world.get(0).await, Some(2));
    // What processes share has a clock of its own, which nobody turned.
    let source = if world.engine.shares() { Primary } else { Replica };
    assert_eq!(world.library.loads(), [(source, 1)]);
}

/// Whatever the order of writes, invalidations and reads, and however far the replica lags, a reader never sees less
/// than what its process had heard of before it asked.
pub(super) async fn never_goes_back(make: &impl Fn(ManualClock) -> BoxFuture<'static, Box<dyn Engine>>) {
    let world = World::new(make).await;
    let regions = if world.engine.shares() {
        vec![world.region.clone(), world.another()]
    } else {
        vec![world.region.clone()]
    };
    let id = fresh();
    let mut numbers = Numbers(7);
    for round in 0..20 {
        let heard: Vec<Arc<AtomicU64>> = regions.iter().map(|_| Arc::default()).collect();
        let start = round * 8 + 1;
        let delays: Vec<u64> = (0..64).map(|_| numbers.below(3000)).collect();
        let micros = |n: usize| tokio::time::sleep(Duration::from_micros(delays[n % delays.len()]));
        let writer = async {
            for n in 0..8 {
                micros(n).await;
                let version = start + n as u64;
                // The replica has what was written three changes before.
                world.library.set(&id, version, version.saturating_sub(3));
                let tell = regions.iter().zip(&heard).enumerate().map(async |(at, (region, heard))| {
                    micros(n + 7 * at).await;
                    region.invalidate(&id, version).await;
                    heard.fetch_max(version, Ordering::SeqCst);
                });
                join_all(tell).await;
            }
        };
        let readers = (0..24).map(async |n: usize| {
            let (region, heard) = (&regions[n % regions.len()], &heard[n % regions.len()]);
            for step in 0..4 {
                micros(n + step).await;
                let least = heard.load(Ordering::SeqCst);
                let seen = read(region, &id, 0).await.expect("an answer").unwrap_or(0);
                assert!(seen >= least, "{seen} was read after {least} was heard of");
            }
        });
        tokio::join!(writer, join_all(readers));
        for region in &regions {
            assert_eq!(read(region, &id, 0).await.expect("an answer"), Some(start + 7));
        }
    }
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
