//! Processes that share a tier.

use super::{World, read};
use crate::cache::Source::{Primary, Replica};
use futures::future::join_all;
use std::time::{Duration, Instant};

pub(super) async fn one_load_for_all_processes(world: World) {
    let other = world.another();
    world.library.set(&world.id, 1, 1);
    world.library.hold();
    let readers = (0..1000).map(|n| read(if n % 2 == 0 { &world.region } else { &other }, &world.id, 0));
    let (answers, ()) = tokio::join!(join_all(readers), async {
        world.library.begun(1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.library.release();
    });
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Some(1)))));
    assert_eq!(world.library.loads(), [(Replica, 1)]);
}

pub(super) async fn a_process_takes_what_another_stored(world: World) {
    let (other, third) = (world.another(), world.another());
    world.library.set(&world.id, 1, 1);
    let absent = super::fresh();
    assert_eq!(world.get(0).await, Some(1));
    assert_eq!(read(&world.region, &absent, 0).await.expect("an answer"), None);
    world.library.loads();
    // It is stored a moment after it was served.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(read(&other, &world.id, 0).await.expect("an answer"), Some(1));
    assert_eq!(read(&other, &absent, 0).await.expect("an answer"), None);
    let found = third.get_many(&[world.id.clone(), absent]).await.expect("an answer");
    assert_eq!(found.len(), 1);
    assert_eq!(world.library.loads(), []);
}

pub(super) async fn a_late_load_is_not_shared(world: World) {
    let (deaf, third) = (world.another(), world.another());
    world.library.set(&world.id, 1, 1);
    world.library.hold();
    let late = read(&deaf, &world.id, 0);
    let change = async {
        world.library.begun(1).await;
        world.library.set(&world.id, 2, 1);
        world.region.invalidate(&world.id, 2).await;
        world.library.release();
    };
    let (late, ()) = tokio::join!(late, change);
    assert_eq!(late.expect("an answer"), Some(1), "it has not heard of the change");
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.library.loads();
    assert_eq!(read(&third, &world.id, 0).await.expect("an answer"), Some(2));
    assert_eq!(world.library.loads(), [(Primary, 1)], "the floor says whom to ask");
}

pub(super) async fn a_failed_load_holds_nobody_up(world: World) {
    let other = world.another();
    world.library.set(&world.id, 1, 1);
    world.library.down(&[Primary, Replica]);
    world.fails().await;
    world.library.down(&[]);
    let begun = Instant::now();
    assert_eq!(read(&other, &world.id, 0).await.expect("an answer"), Some(1));
    assert!(begun.elapsed() < Duration::from_millis(500), "the lease was given back: {:?}", begun.elapsed());
}
