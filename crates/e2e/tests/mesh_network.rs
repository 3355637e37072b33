//! The network between roles and an engine is slowed, cut, reset and half-open while people use them. What was acknowledged
//! is there afterwards, every song is READY once, and the index equals the database.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    fault_list::{self, Round},
    fault_proxy::Mode,
    solo::{Engine, Solo},
    workload::{Listener, index_is_in_step, nothing_is_lost},
    world::Server,
};
use std::time::Duration;

const RECOVERY: Duration = Duration::from_secs(90);

/// Every engine and every fault, and both kinds of silence where state hangs on a connection.
const FEW: [&str; 8] = [
    "store cut",
    "store half-open",
    "cache slow",
    "cache half-open",
    "bus reset",
    "bus half-open",
    "blob slow",
    "index cut",
];

fn engine(name: &str) -> Engine {
    match name {
        "store" => Engine::Store,
        "cache" => Engine::Cache,
        "bus" => Engine::Bus,
        "blob" => Engine::Blob,
        "index" => Engine::Index,
        other => panic!("faults.txt breaks the network to {other}"),
    }
}

#[test]
fn a_network_that_breaks_loses_nothing() {
    let limits = "[gateway.limits]\ncredential = { per_second = 1000.0, burst = 1000 }\n";
    let Some(solo) = Solo::start(limits) else { return };
    let listener = Listener::new(solo.url());
    for (n, Round { target, seed }) in fault_list::rounds("network", &FEW).into_iter().enumerate() {
        let number = 2_000 * seed + n as u64;
        let work = listener.work(number);
        std::thread::sleep(Duration::from_millis(600 + 397 * (number % 3)));
        let (name, fault) = target.split_once(' ').expect("an engine and a fault");
        let proxy = solo.proxy(engine(name));
        match fault {
            "slow" => {
                proxy.set(Mode::Slow { latency: Duration::from_millis(150), bytes_per_second: 200_000 });
            }
            "cut" => proxy.set(Mode::Cut),
            "reset" => proxy.reset(),
            "half-open" => proxy.set(Mode::HalfOpen(None)),
            other => panic!("faults.txt has a fault '{other}'"),
        }
        std::thread::sleep(Duration::from_secs(7));
        proxy.set(Mode::Pass);
        std::thread::sleep(Duration::from_secs(2));
        let report = work.finish();
        eprintln!(
            "{target}: {} uploads; reads {} good {} bad, slowest {:?}; plays {} good {} bad",
            report.uploaded.len(),
            report.reads.good,
            report.reads.bad.len(),
            report.reads.slowest,
            report.plays.good,
            report.plays.bad.len(),
        );
        assert!(report.reads.bad.is_empty(), "{target}: {:?}", report.reads.bad);
        assert!(report.plays.bad.is_empty(), "{target}: {:?}", report.plays.bad);
        nothing_is_lost(&listener, &report.uploaded, RECOVERY);
        index_is_in_step(&solo, RECOVERY);
    }
}
