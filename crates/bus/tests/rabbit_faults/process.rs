//! Processes that die with messages in their hands.

use crate::{Broker, bus, config, insist, job, next, nothing, queue};
use segue_bus::Rabbit;
use segue_domain::SystemClock;
use segue_ports::bus::{Bus, WorkQueue};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

const QUEUE: WorkQueue = queue("jobs", 2);

/// Runs in a process of its own, in a folder that says where the broker is.
#[tokio::test]
#[ignore = "run by the test that kills it"]
async fn victim() {
    let Ok(url) = std::fs::read_to_string("broker") else { return };
    let bus = Rabbit::connect(config(url, "killed"), Arc::new(SystemClock)).await.unwrap();
    let mut consumer = bus.consume(&QUEUE).await.unwrap();
    let held = next(&mut consumer).await;
    std::fs::write("holds", &held.message().id).unwrap();
    println!("holds");
    std::future::pending::<()>().await;
}

fn hold_and_die(folder: &Path) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "process::victim", "--nocapture"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("holds")), "it never held a message");
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::read_to_string(folder.join("holds")).unwrap()
}

pub(crate) async fn counts_no_killed_consumer(broker: &Broker) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broker"), broker.url()).unwrap();
    let bus = bus(broker, "killed").await;
    bus.declare(&QUEUE).await.expect("declared");
    insist(&bus, vec![job(1), job(2)]).await;
    for _ in 0..4 {
        let path = folder.path().to_owned();
        let held = tokio::task::spawn_blocking(move || hold_and_die(&path)).await.unwrap();
        assert!(["1", "2"].contains(&held.as_str()));
    }
    let mut consumer = bus.consume(&QUEUE).await.expect("consumer");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.attempt(), 1, "a killed consumer is not the message's failure");
        ids.push(delivery.message().id.clone());
        delivery.ack().await.expect("acknowledged");
    }
    ids.sort();
    assert_eq!(ids, ["1", "2"]);
    nothing(&mut consumer).await;
}
