//! Reading through.

use super::{ABSENT, LIFE, World, fresh, read};
use crate::cache::Source::{Primary, Replica};
use futures::future::join_all;
use std::time::Duration;

pub(super) async fn loads_once_and_serves_again(world: World) {
    world.library.set(&world.id, 1, 1);
    for _ in 0..3 {
        assert_eq!(world.get(0).await, Some(1));
    }
    assert_eq!(world.library.loads(), [(Replica, 1)]);
}

pub(super) async fn many_readers_share_one_load(world: World) {
    world.library.set(&world.id, 1, 1);
    world.library.hold();
    let readers = join_all((0..1000).map(|_| world.get(0)));
    let (answers, ()) = tokio::join!(readers, async {
        world.library.begun(1).await;
        world.library.release();
    });
    assert!(answers.iter().all(|answer| *answer == Some(1)));
    assert_eq!(world.library.loads(), [(Replica, 1)]);
}

pub(super) async fn a_load_outlives_its_reader(world: World) {
    world.library.set(&world.id, 1, 1);
    world.library.hold();
    let (region, id) = (world.region.clone(), world.id.clone());
    let reader = tokio::spawn(async move { read(&region, &id, 0).await });
    world.library.begun(1).await;
    reader.abort();
    assert!(reader.await.is_err(), "the reader is gone");
    world.library.release();
    assert_eq!(world.get(0).await, Some(1));
    assert_eq!(world.library.loads(), [(Replica, 1)]);
}

pub(super) async fn asks_the_primary_for_what_a_replica_does_not_have(world: World) {
    world.library.set(&world.id, 1, 0);
    assert_eq!(world.get(0).await, Some(1));
    assert_eq!(world.library.loads(), [(Replica, 1), (Primary, 1)]);
}

pub(super) async fn believes_for_a_moment_that_nothing_is_there(world: World) {
    for _ in 0..3 {
        assert_eq!(world.get(0).await, None);
    }
    assert_eq!(world.library.loads(), [(Replica, 1), (Primary, 1)]);
    world.clock.advance(ABSENT.mul_f64(1.21));
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
}

pub(super) async fn lives_of_entries_differ(world: World) {
    let ids: Vec<String> = (0..400).map(|_| fresh()).collect();
    ids.iter().for_each(|id| world.library.set(id, 1, 1));
    let reloads = async |advance: Duration| {
        world.clock.advance(advance);
        for id in &ids {
            assert_eq!(read(&world.region, id, 0).await.expect("an answer"), Some(1));
        }
        world.library.loads().len()
    };
    assert_eq!(reloads(Duration::ZERO).await, 400);
    assert_eq!(reloads(LIFE.mul_f64(0.79)).await, 0);
    let half = reloads(LIFE.mul_f64(0.21)).await;
    assert!((120..280).contains(&half), "{half} of 400 had ended after one life");
    let rest = reloads(LIFE.mul_f64(0.21)).await;
    // Those that were loaded anew live on.
    assert_eq!(half + rest, 400);
}

pub(super) async fn many_ids_take_one_load(world: World) {
    let ids: Vec<String> = (0..5).map(|_| fresh()).collect();
    ids[..4].iter().for_each(|id| world.library.set(id, 1, 1));
    for id in &ids[..2] {
        read(&world.region, id, 0).await.expect("an answer");
    }
    world.library.loads();
    for _ in 0..2 {
        let mut found: Vec<_> = world.region.get_many(&ids).await.expect("an answer").into_keys().collect();
        found.sort();
        assert_eq!(found, ids[..4]);
    }
    assert_eq!(world.library.loads(), [(Replica, 3), (Primary, 1)]);
}
