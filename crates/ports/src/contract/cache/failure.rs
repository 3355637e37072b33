//! Origins that fail.

use super::{LIFE, STALE, World};
use crate::cache::Source::{Primary, Replica};
use futures::future::join_all;
use std::time::{Duration, Instant};

pub(super) async fn reaches_everyone_and_is_not_kept(world: World) {
    world.library.set(&world.id, 1, 1);
    world.library.down(&[Primary, Replica]);
    for error in join_all((0..10).map(|_| world.fails())).await {
        assert_eq!(error.to_string(), "the library is closed");
    }
    world.library.down(&[]);
    assert_eq!(world.get(0).await, Some(1));
}

pub(super) async fn serves_what_is_past_its_life(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.library.down(&[Primary, Replica]);
    world.clock.advance(LIFE.mul_f64(1.21));
    assert_eq!(world.get(0).await, Some(1));
    world.library.loads();
    assert_eq!(world.get(0).await, Some(1));
    assert_eq!(world.library.loads(), [], "an origin that failed is left alone for a moment");
    world.library.set(&world.id, 2, 2);
    world.library.down(&[]);
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.get(0).await, Some(2), "and then asked again");
    world.library.down(&[Primary, Replica]);
    world.clock.advance(LIFE.mul_f64(1.21) + STALE);
    world.fails().await;
}

pub(super) async fn never_serves_what_was_replaced(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.region.invalidate(&world.id, 2).await;
    world.library.down(&[Primary, Replica]);
    world.fails().await;
    world.library.set(&world.id, 2, 2);
    world.library.down(&[]);
    assert_eq!(world.get(0).await, Some(2));
}

pub(super) async fn a_replica_stands_in_for_the_primary(world: World) {
    world.library.set(&world.id, 2, 1);
    world.region.invalidate(&world.id, 2).await;
    world.library.down(&[Primary]);
    world.fails().await;
    world.library.set(&world.id, 2, 2);
    world.library.loads();
    for _ in 0..2 {
        assert_eq!(world.get(0).await, Some(2), "it has what is wanted");
        assert_eq!(world.library.loads(), [(Primary, 1), (Replica, 1)], "and is not stored");
    }
}

pub(super) async fn waits_a_moment_for_a_slow_origin(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.clock.advance(LIFE.mul_f64(1.21));
    world.library.set(&world.id, 2, 2);
    world.library.hold();
    let begun = Instant::now();
    assert_eq!(world.get(0).await, Some(1));
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    world.library.release();
    world.clock.advance(Duration::from_secs(2));
    let newest = async {
        while world.get(0).await != Some(2) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, newest).await.expect("the load went on");
}
