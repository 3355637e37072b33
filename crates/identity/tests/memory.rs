//! In a process of its own, because it weighs the process.
#![cfg(target_os = "linux")]

use async_trait::async_trait;
use segue_domain::SystemClock;
use segue_identity::{Deps, Identity, IdentityConfig};
use segue_mesh::{Verifier, VerifierConfig};
use segue_ports::bus::{Bus, BusError, DeadLetter, Listener, Message, WorkConsumer, WorkQueue};
use segue_proto::identity::v1::{SignInRequest, identity_service_server::IdentityService};
use segue_store::testing::stores;
use std::sync::Arc;
use tonic::{Code, Request};

#[derive(Debug)]
struct NoBus;

#[async_trait]
impl Bus for NoBus {
    async fn declare(&self, _: &WorkQueue) -> Result<(), BusError> {
        Err(BusError::Closed)
    }
    async fn publish(&self, _: Vec<Message>) -> Result<(), BusError> {
        Err(BusError::Closed)
    }
    async fn consume(&self, _: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        Err(BusError::Closed)
    }
    fn announce(&self, _: Message) {}
    async fn listen(&self, _: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        Err(BusError::Closed)
    }
    async fn dead_letters(&self, _: &str) -> Result<Vec<DeadLetter>, BusError> {
        Err(BusError::Closed)
    }
}

fn resident_kib(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_sign_ins_uses_bounded_memory_and_gives_it_back() {
    let test = stores().await.remove(0);
    Identity::migrate(&test.store).await.unwrap();
    let clock = Arc::new(SystemClock);
    let verifier = Verifier::new(VerifierConfig::default(), clock.clone());
    let deps = Deps { store: test.store.clone(), bus: Arc::new(NoBus), verifier, clock };
    let identity = Identity::new(IdentityConfig::default(), deps).await.unwrap();
    let before = resident_kib("VmRSS");
    let sign_in = || {
        let (email, password) = ("nobody@x".to_owned(), "wrong password".to_owned());
        identity.sign_in(Request::new(SignInRequest { email, password, device: String::new() }))
    };
    let answers = futures::future::join_all((0..100).map(|_| sign_in())).await;
    let codes: Vec<Code> = answers.into_iter().map(|a| a.unwrap_err().code()).collect();
    assert!(codes.contains(&Code::Unauthenticated));
    assert!(codes.contains(&Code::ResourceExhausted), "more than may wait are sent away");
    let (peak, after) = (resident_kib("VmHWM") - before, resident_kib("VmRSS") - before);
    assert!(peak < 60 << 10, "two hashes at once, not a hundred: {peak} KiB");
    assert!(after < 10 << 10, "{after} KiB stayed");
}
