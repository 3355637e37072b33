//! Times in which changes may be missed.

use super::{World, read};
use crate::cache::Source::{Primary, Replica};
use std::time::Duration;

pub(super) async fn believes_for_five_seconds(world: World) {
    world.library.set(&world.id, 1, 1);
    world.region.suspect();
    assert_eq!(world.get(0).await, Some(1));
    world.library.set(&world.id, 2, 2);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.get(0).await, Some(1), "not older than 5 s");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.get(0).await, Some(2));
    assert_eq!(world.library.loads(), [(Replica, 1); 2]);
    world.clock.advance(Duration::from_secs(6));
    world.library.down(&[Primary, Replica]);
    assert_eq!(world.get(0).await, Some(2), "stale, for nobody can be asked");
}

pub(super) async fn asks_once_for_what_was_stored_before(world: World) {
    world.library.set(&world.id, 1, 1);
    assert_eq!(world.get(0).await, Some(1));
    world.region.suspect();
    world.library.set(&world.id, 2, 1);
    if world.engine.shares() {
        // Somebody else did hear of it.
        let other = world.another();
        other.invalidate(&world.id, 2).await;
        assert_eq!(read(&other, &world.id, 0).await.expect("an answer"), Some(2));
    }
    world.region.trust();
    world.library.loads();
    for _ in 0..3 {
        assert_eq!(world.get(0).await, Some(2));
    }
    let loads = if world.engine.shares() { vec![] } else { vec![(Primary, 1)] };
    assert_eq!(world.library.loads(), loads);
}
