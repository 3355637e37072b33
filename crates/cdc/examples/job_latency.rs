//! From the commit of a fact in PostgreSQL to the moment when a worker receives the job from RabbitMQ:
//! `job_latency postgres://… amqp://… [facts]`. The database is one of its own; the last line is `p99 <milliseconds>`.

use segue_bus::{BrokerUrl, Rabbit, RabbitConfig};
use segue_cdc::{CdcConfig, Database, Deps, Relay, Source};
use segue_domain::{EventId, SongId, SystemClock};
use segue_ports::bus::{Bus, WorkQueue};
use segue_proto::event::v1::{Event, SongUploaded, event::Data};
use segue_store::{DatabaseUrl, Outbox, Store, StoreConfig};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const QUEUE: WorkQueue = WorkQueue {
    name: "latency",
    topics: &["song.uploaded.v1"],
    prefetch: 16,
    max_failures: 3,
    backoff: Duration::from_secs(1),
};
/// Between two commits: as many as 200 uploads a second.
const PAUSE: Duration = Duration::from_millis(5);
/// Not counted: connections and plans are made.
const WARM: usize = 50;

fn fact() -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: "song.uploaded.v1".into(),
        subject: SongId::new().to_string(),
        sequence: 2,
        data: Some(Data::SongUploaded(SongUploaded {
            filename: "a song.flac".into(),
            ..SongUploaded::default()
        })),
        ..Event::default()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut words = std::env::args().skip(1);
    let (Some(database), Some(broker)) = (words.next(), words.next()) else {
        return Err("which engines? job_latency postgres://… amqp://… [facts]".into());
    };
    let facts: usize = words.next().map_or(Ok(2_000), |n| n.parse())?;
    let clock = Arc::new(SystemClock);
    let config = StoreConfig::new(DatabaseUrl::new(database));
    let store = Store::connect(&config).await?;
    store.migrate_outbox().await?;
    let rabbit = RabbitConfig { url: BrokerUrl::new(broker), ..RabbitConfig::default() };
    let bus = Arc::new(Rabbit::connect(rabbit, clock.clone()).await?);
    bus.declare(&QUEUE).await?;
    let deps = Deps { store: store.clone(), bus: bus.clone(), clock, crash: |_| {} };
    let settings = CdcConfig { source: Source::Replication, ..CdcConfig::default() };
    let relay = Relay::of_databases(deps, settings, vec![Database::of_store(&config)?])?;
    relay.provision().await?;
    let stop = CancellationToken::new();
    let relay = tokio::spawn(relay.run(stop.clone()));

    let received = Arc::new(Mutex::new(HashMap::new()));
    let heard = received.clone();
    let mut worker = bus.consume(&QUEUE).await?;
    let worker = tokio::spawn(async move {
        while heard.lock().expect("nobody panics").len() < facts + WARM {
            let Ok(delivery) = worker.next().await else { return };
            let now = Instant::now();
            heard.lock().expect("nobody panics").entry(delivery.message().id.clone()).or_insert(now);
            let _ = delivery.ack().await;
        }
    });

    let mut committed = Vec::with_capacity(facts);
    for n in 0..facts + WARM {
        let event = fact();
        let (id, song) = (event.id.clone(), event.subject.parse::<SongId>()?);
        let mut transaction = store.begin(song.into()).await?;
        transaction.emit(Outbox::Main, event).await?;
        transaction.commit().await?;
        if n >= WARM {
            committed.push((id, Instant::now()));
        }
        tokio::time::sleep(PAUSE).await;
    }
    tokio::time::timeout(Duration::from_secs(30), worker).await??;
    stop.cancel();
    relay.await??;
    let received = received.lock().expect("nobody panics");
    // A job may be received before the committing task runs again.
    let mut took: Vec<f64> = committed
        .iter()
        .map(|(id, at)| received[id].saturating_duration_since(*at).as_secs_f64() * 1e3)
        .collect();
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    println!(
        "{facts} facts, commit to received: p50 {:.1} ms, p90 {:.1} ms, max {:.1} ms",
        at(50),
        at(90),
        at(100)
    );
    println!("p99 {:.1}", at(99));
    Ok(())
}
