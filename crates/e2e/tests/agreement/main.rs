//! Random histories of songs, albums, playlists, likes and plays, with requests sent again, against a model: what was
//! written is read back at once, and in the end database, index and caches agree.

mod deeds;
mod look;
mod model;

use deeds::Deeds;
use segue_e2e::{
    cli::Cli,
    fault_list::{self, Round},
    finding::{BOUND, differences},
    world::World,
};
use std::time::Instant;

const STEPS: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn a_history_leaves_what_it_should() {
    for Round { seed, .. } in fault_list::rounds("history", &["api"]) {
        history(seed).await;
    }
}

async fn history(seed: u64) {
    let world = World::without_limits();
    let admin = world.admin();
    let mut deeds = Deeds::begin(&world, seed).await;
    for step in 0..STEPS {
        let deed = deeds.one().await;
        deeds.own_writes_are_read(&format!("after step {step}, {deed}, of seed {seed}")).await;
    }
    agree(&deeds, &admin).await;
}

/// Waits until everything says the same as the model.
async fn agree(deeds: &Deeds, admin: &Cli) {
    let begin = Instant::now();
    loop {
        let mut wrong = deeds.differences().await;
        wrong.extend(differences(admin).into_iter().map(|d| format!("index: {d}")));
        if wrong.is_empty() {
            return;
        }
        assert!(
            begin.elapsed() < BOUND,
            "{} differences after {BOUND:?}:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
