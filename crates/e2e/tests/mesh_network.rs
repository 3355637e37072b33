//! The network between roles and an engine is slowed, cut, reset and half-open while people use them. What was acknowledged
//! is there afterwards, every song is READY once, and the index equals the database.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    fault_proxy::Mode,
    seeds,
    solo::{Engine, Solo},
    workload::{Listener, index_is_in_step, nothing_is_lost},
    world::Server,
};
use std::time::Duration;

const RECOVERY: Duration = Duration::from_secs(90);

#[derive(Debug, Clone, Copy)]
enum Fault {
    Slow,
    Cut,
    Reset,
    HalfOpen,
}

const FAULTS: [Fault; 4] = [Fault::Slow, Fault::Cut, Fault::Reset, Fault::HalfOpen];
const ENGINES: [Engine; 5] = [Engine::Store, Engine::Cache, Engine::Bus, Engine::Blob, Engine::Index];

/// Every engine and every fault, and both kinds of silence where state hangs on a connection.
const CHOSEN: [(Engine, Fault); 8] = [
    (Engine::Store, Fault::Cut),
    (Engine::Store, Fault::HalfOpen),
    (Engine::Cache, Fault::Slow),
    (Engine::Cache, Fault::HalfOpen),
    (Engine::Bus, Fault::Reset),
    (Engine::Bus, Fault::HalfOpen),
    (Engine::Blob, Fault::Slow),
    (Engine::Index, Fault::Cut),
];

#[test]
fn a_network_that_breaks_loses_nothing() {
    let limits = "[gateway.limits]\ncredential = { per_second = 1000.0, burst = 1000 }\n";
    let Some(solo) = Solo::start(limits) else { return };
    let all: Vec<_> = ENGINES.iter().flat_map(|e| FAULTS.map(|f| (*e, f))).collect();
    let chosen = if seeds() == 1 { &CHOSEN[..] } else { &all[..] };
    let listener = Listener::new(solo.url());
    for (n, (engine, fault)) in chosen.iter().enumerate() {
        let work = listener.work(2_000 + n as u64);
        std::thread::sleep(Duration::from_secs(1));
        let proxy = solo.proxy(*engine);
        match fault {
            Fault::Slow => {
                proxy.set(Mode::Slow { latency: Duration::from_millis(150), bytes_per_second: 200_000 });
            }
            Fault::Cut => proxy.set(Mode::Cut),
            Fault::Reset => proxy.reset(),
            Fault::HalfOpen => proxy.set(Mode::HalfOpen(None)),
        }
        std::thread::sleep(Duration::from_secs(7));
        proxy.set(Mode::Pass);
        std::thread::sleep(Duration::from_secs(2));
        let report = work.finish();
        eprintln!(
            "{engine:?} {fault:?}: {} uploads; reads {} good {} bad, slowest {:?}; plays {} good {} bad",
            report.uploaded.len(),
            report.reads.good,
            report.reads.bad.len(),
            report.reads.slowest,
            report.plays.good,
            report.plays.bad.len(),
        );
        assert!(report.reads.bad.is_empty(), "{engine:?} {fault:?}: {:?}", report.reads.bad);
        assert!(report.plays.bad.is_empty(), "{engine:?} {fault:?}: {:?}", report.plays.bad);
        nothing_is_lost(&listener, &report.uploaded, RECOVERY);
        index_is_in_step(&solo, RECOVERY);
    }
}
