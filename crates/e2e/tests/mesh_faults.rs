//! Processes and engines of the mesh are killed and frozen while people use it. What was acknowledged is there afterwards,
//! every song is READY once, the index equals the database, and nobody had to start anything by hand.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    fault_list::{self, Round},
    mesh::Mesh,
    workload::{Listener, Report, index_is_in_step, nothing_is_lost},
    world::Server,
};
use std::time::{Duration, Instant};

/// From the end of a fault until everything must be as it should.
const RECOVERY: Duration = Duration::from_secs(90);

/// What goes on while something is away.
#[derive(Clone, Copy)]
struct GoesOn {
    /// Reads of songs that were read before.
    reads: bool,
    /// Audio that was played before.
    plays: bool,
}

const BOTH: GoesOn = GoesOn { reads: true, plays: true };
const PLAYS: GoesOn = GoesOn { reads: false, plays: true };

/// The process or engine that a line of the list means; which of two alike changes with the seed.
fn server(mesh: &Mesh, Round { target, seed }: Round) -> String {
    match target {
        "primary" => mesh.leader(),
        "standby" => mesh.standby(),
        "replica" => {
            let leader = mesh.leader();
            (1..=3).map(|n| format!("patroni-{n}")).find(|name| *name != leader).expect("there are three")
        }
        "redis-cluster" => format!("redis-cluster-{}", 1 + seed % 3),
        // One node, or as many as the soak starts.
        "rabbitmq" => {
            let all = mesh.servers().into_iter().map(|server| server.name);
            let mut nodes: Vec<String> = all.filter(|name| name.starts_with("rabbitmq")).collect();
            nodes.swap_remove(usize::try_from(seed).unwrap_or(0) % nodes.len())
        }
        engine @ ("opensearch" | "azurite") => engine.to_owned(),
        // The first one is the door of the people in this test.
        "gateway" => "gateway-2".to_owned(),
        role => format!("{role}-{}", 1 + seed % 2),
    }
}

fn check(name: &str, goes_on: GoesOn, report: &Report) {
    eprintln!(
        "{name}: {} uploads; reads {} good {} bad, slowest {:?}; plays {} good {} bad; searches {} good {} bad",
        report.uploaded.len(),
        report.reads.good,
        report.reads.bad.len(),
        report.reads.slowest,
        report.plays.good,
        report.plays.bad.len(),
        report.searches.good,
        report.searches.bad.len(),
    );
    let GoesOn { reads, plays } = goes_on;
    assert!(
        !reads || report.reads.bad.is_empty(),
        "{name}: cached songs were not read: {:?}",
        report.reads.bad
    );
    assert!(
        !plays || report.plays.bad.is_empty(),
        "{name}: cached audio was not played: {:?}",
        report.plays.bad
    );
}

#[test]
fn kill_minus_nine_of_anything_loses_nothing() {
    let Some(mesh) = Mesh::or_skip("kill -9 of anything") else { return };
    let listener = Listener::new(mesh.url());
    let mut uploaded = Vec::new();
    let rounds = fault_list::rounds("kill", &fault_list::all("kill"));
    for (n, round) in rounds.iter().enumerate() {
        let name = server(&mesh, *round);
        let number = round.seed * 100 + n as u64;
        let work = listener.work(number);
        std::thread::sleep(Duration::from_millis(500 + 397 * (number % 5)));
        // Who leads may have changed meanwhile, and that is as good.
        mesh.kill(&name);
        std::thread::sleep(Duration::from_secs(5));
        let report = work.finish();
        check(&name, BOTH, &report);
        uploaded.extend(report.uploaded);
        mesh.settle(RECOVERY);
    }
    assert!(uploaded.len() >= rounds.len() / 2, "people got something done: {}", uploaded.len());
    nothing_is_lost(&listener, &uploaded, RECOVERY);
    index_is_in_step(&mesh, RECOVERY);
}

#[test]
fn an_engine_that_freezes_holds_up_what_needs_it_and_nothing_else() {
    let Some(mesh) = Mesh::or_skip("freezing of engines") else { return };
    let listener = Listener::new(mesh.url());
    for (n, round) in fault_list::rounds("pause", &["rabbitmq", "opensearch"]).into_iter().enumerate() {
        let goes_on = if round.target == "primary" { PLAYS } else { BOTH };
        let name = server(&mesh, round);
        let work = listener.work(1_000 * round.seed + n as u64);
        std::thread::sleep(Duration::from_secs(1));
        mesh.pause(&name);
        let began = Instant::now();
        std::thread::sleep(Duration::from_secs(30));
        mesh.resume(&name);
        std::thread::sleep(Duration::from_secs(2));
        let report = work.finish();
        check(&format!("{name} frozen for {:?}", began.elapsed()), goes_on, &report);
        if name == "opensearch" {
            assert!(report.searches.bad.iter().all(|why| why == "Unavailable"), "{:?}", report.searches.bad);
            assert!(!report.searches.bad.is_empty(), "searches noticed");
        } else {
            assert!(report.searches.bad.is_empty(), "{name}: {:?}", report.searches.bad);
        }
        mesh.settle(RECOVERY);
        nothing_is_lost(&listener, &report.uploaded, RECOVERY);
        index_is_in_step(&mesh, RECOVERY);
    }
}
