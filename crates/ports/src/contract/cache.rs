//! What every cache does.

mod change;
mod failure;
mod fleet;
mod library;
mod read;
mod suspect;

use crate::cache::{Cache, LoadError, Region};
use futures::future::BoxFuture;
use library::Library;
use segue_domain::{ManualClock, SongId, Timestamp};
use std::{sync::Arc, time::Duration};

/// How long an entry of an engine under test lives, give or take a fifth.
pub const LIFE: Duration = Duration::from_secs(100);
/// How long it believes that there is nothing of an id, give or take a fifth.
pub const ABSENT: Duration = Duration::from_secs(5);
/// How long after its life it serves an entry when the origin fails.
pub const STALE: Duration = Duration::from_secs(1000);

/// After an invalidation, replicas are not asked for so long.
const LAG: Duration = Duration::from_secs(60);
/// Longer than anything that must happen takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine under test.
pub trait Engine: Send + Sync {
    /// The cache of a process of its own. All share what processes share, if anything.
    fn process(&self) -> Arc<dyn Cache>;
    /// True when processes share a tier.
    fn shares(&self) -> bool;
}

/// Runs the suite. `make` gives an engine with the lives above and this clock.
///
/// # Panics
/// When the engine does not do what a cache does.
pub async fn run(make: impl Fn(ManualClock) -> BoxFuture<'static, Box<dyn Engine>>) {
    let world = async || World::new(&make).await;
    read::loads_once_and_serves_again(world().await).await;
    read::many_readers_share_one_load(world().await).await;
    read::a_load_outlives_its_reader(world().await).await;
    read::asks_the_primary_for_what_a_replica_does_not_have(world().await).await;
    read::believes_for_a_moment_that_nothing_is_there(world().await).await;
    read::lives_of_entries_differ(world().await).await;
    read::many_ids_take_one_load(world().await).await;
    change::serves_what_the_caller_has_seen(world().await).await;
    change::drops_what_was_replaced_and_asks_the_primary(world().await).await;
    change::a_late_arrival_changes_nothing(world().await).await;
    change::a_load_under_way_brings_nothing_back(world().await).await;
    change::what_is_created_is_there(world().await).await;
    change::a_replica_is_asked_again_after_a_minute(world().await).await;
    change::never_goes_back(&make).await;
    failure::reaches_everyone_and_is_not_kept(world().await).await;
    failure::serves_what_is_past_its_life(world().await).await;
    failure::never_serves_what_was_replaced(world().await).await;
    failure::a_replica_stands_in_for_the_primary(world().await).await;
    failure::waits_a_moment_for_a_slow_origin(world().await).await;
    suspect::believes_for_five_seconds(world().await).await;
    suspect::asks_once_for_what_was_stored_before(world().await).await;
    if world().await.engine.shares() {
        fleet::one_load_for_all_processes(world().await).await;
        fleet::a_process_takes_what_another_stored(world().await).await;
        fleet::a_late_load_is_not_shared(world().await).await;
        fleet::a_failed_load_holds_nobody_up(world().await).await;
    }
}

/// A process with a cache, and an origin beneath.
struct World {
    engine: Box<dyn Engine>,
    clock: ManualClock,
    library: Arc<Library>,
    region: Arc<dyn Region>,
    id: String,
}

impl World {
    /// One whose region has heard everything for some time.
    async fn new(make: &impl Fn(ManualClock) -> BoxFuture<'static, Box<dyn Engine>>) -> Self {
        let clock = ManualClock::new(Timestamp(1_800_000_000_000));
        let engine = make(clock.clone()).await;
        let library = Arc::new(Library::default());
        let region = engine.process().region(library.clone());
        region.trust();
        clock.advance(LAG);
        Self { engine, clock, library, region, id: fresh() }
    }

    /// The region of another process.
    fn another(&self) -> Arc<dyn Region> {
        let region = self.engine.process().region(self.library.clone());
        region.trust();
        self.clock.advance(LAG);
        region
    }

    async fn get(&self, at_least: u64) -> Option<u64> {
        read(&self.region, &self.id, at_least).await.expect("an answer")
    }

    async fn fails(&self) -> LoadError {
        read(&self.region, &self.id, 0).await.expect_err("a failure")
    }
}

fn fresh() -> String {
    SongId::new().to_string()
}

async fn read(region: &Arc<dyn Region>, id: &str, at_least: u64) -> Result<Option<u64>, LoadError> {
    let read = tokio::time::timeout(PATIENCE, region.get(id, at_least)).await.expect("an end");
    Ok(read?.map(|value| *value.downcast::<u64>().expect("a value of the library's")))
}
