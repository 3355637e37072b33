//! Keeps the index in step: takes facts from the queue in batches and applies them by version.

mod quiet;

use crate::{
    document::{self, Change, Malformed},
    queue,
    role::Inner,
};
use quiet::{Passed, Quiet};
use segue_mesh::{from_proto, telemetry};
use segue_ports::{
    bus::{BusError, Delivery, Message, WorkConsumer, all_answered},
    index::{IndexError, Kind, Rating, Write},
};
use segue_proto::event::v1::Event;
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

/// Ratings that the index takes at once.
const MOST_RATINGS: usize = 1_000;

/// Why taking facts has ended for the moment.
enum Ended {
    Index(IndexError),
    Bus(BusError),
    Stopped,
}

/// Applies facts until the role stops, or until the bus is closed. While the index is away none is taken.
pub(crate) async fn run(search: &Inner) {
    let mut pause = search.config.pause();
    loop {
        let ended = match prepare(search).await {
            Ok(()) => take(search, &mut pause).await,
            Err(error) => Ended::Index(error),
        };
        match ended {
            Ended::Stopped | Ended::Bus(BusError::Closed) => return,
            Ended::Bus(error) => tracing::warn!(%error, "queue of the index is away"),
            Ended::Index(error) => {
                metrics::counter!("segue_search_index_away_total").increment(1);
                tracing::warn!(%error, pause_ms = pause.as_millis() as u64, "index is away");
            }
        }
        if rest(search, pause).await.is_none() {
            return;
        }
        pause = (pause * 2).min(search.config.longest_pause());
    }
}

/// Makes the index ready for facts: at the start, and after it was away, since what comes back may be empty.
async fn prepare(search: &Inner) -> Result<(), IndexError> {
    if search.index.prepare().await? {
        tracing::info!("index is new, damaged or of another schema");
        search.wanted.notify_one();
    }
    Ok(())
}

async fn take(search: &Inner, pause: &mut Duration) -> Ended {
    let mut consumer = match search.bus.consume(&queue::index(&search.config)).await {
        Ok(consumer) => consumer,
        Err(error) => return Ended::Bus(error),
    };
    let mut quiet = Quiet::default();
    let most = usize::from(search.config.batch_events).div_ceil(2);
    loop {
        let gathered = tokio::select! {
            biased;
            () = search.stop.cancelled() => return Ended::Stopped,
            gathered = gather(search, consumer.as_mut(), quiet.due()) => gathered,
        };
        let (facts, broken) = match gathered {
            Ok(gathered) => gathered,
            Err(error) => return Ended::Bus(error),
        };
        let Passed { apply: facts, overtaken } = quiet.pass(facts, most);
        metrics::counter!("segue_search_events_total", "outcome" => "overtaken")
            .increment(overtaken.len() as u64);
        let done = overtaken.into_iter().map(|fact| fact.delivery.ack());
        if let Err(error) = all_answered(done).await {
            return Ended::Bus(error);
        }
        // Not cut off by shutdown: it ends soon, and what is applied is acknowledged.
        if let Err(ended) = apply(search, facts, &mut quiet, *pause).await {
            return ended;
        }
        if let Some(error) = broken {
            return Ended::Bus(error);
        }
        *pause = search.config.pause();
    }
}

/// A fact in our hands, and what it does to the index. It is given back as it was when this is dropped.
struct Taken {
    delivery: Box<dyn Delivery>,
    change: Result<(Change, Event), Malformed>,
}

impl From<Box<dyn Delivery>> for Taken {
    fn from(delivery: Box<dyn Delivery>) -> Self {
        Self { change: document::change(delivery.message()), delivery }
    }
}

/// Waits for a fact, until `due` when there is such a time, and then, for a moment, for those behind it.
async fn gather(
    search: &Inner,
    consumer: &mut dyn WorkConsumer,
    due: Option<Instant>,
) -> Result<(Vec<Taken>, Option<BusError>), BusError> {
    let first = match due {
        None => consumer.next().await?,
        Some(due) => match timeout_at(due, consumer.next()).await {
            Ok(first) => first?,
            Err(_) => return Ok((Vec::new(), None)),
        },
    };
    let mut facts = vec![first.into()];
    let end = Instant::now() + search.config.batch_wait();
    let end = due.map_or(end, |due| end.min(due));
    while facts.len() < usize::from(search.config.batch_events) {
        match timeout_at(end, consumer.next()).await {
            Ok(Ok(delivery)) => facts.push(delivery.into()),
            Ok(Err(error)) => return Ok((facts, Some(error))),
            Err(_) => break,
        }
    }
    Ok((facts, None))
}

/// Applies facts at once. What cannot be understood is parked after its attempts and holds up nothing else.
async fn apply(search: &Inner, facts: Vec<Taken>, quiet: &mut Quiet, pause: Duration) -> Result<(), Ended> {
    let (mut good, mut events) = (Vec::new(), Vec::new());
    let (mut writes, mut ratings) = (Vec::new(), Vec::new());
    let mut bad: Vec<(Box<dyn Delivery>, Malformed)> = Vec::new();
    for Taken { delivery, change } in facts {
        match change {
            Ok((change, event)) => {
                good.push(delivery);
                events.push(event);
                match change {
                    Change::Write(write) => writes.push(write),
                    Change::Rate(some) => ratings.extend(some),
                }
            }
            Err(error) => bad.push((delivery, error)),
        }
    }
    for (delivery, error) in bad {
        let Message { id, topic, .. } = delivery.message();
        let outcome = if delivery.last_attempt() { "parked" } else { "failed" };
        tracing::error!(%error, event.id = id, topic, outcome, "event cannot be applied");
        metrics::counter!("segue_search_events_total", "outcome" => outcome).increment(1);
        delivery.fail(&error.to_string()).await.map_err(Ended::Bus)?;
    }
    if good.is_empty() {
        return Ok(());
    }
    let span = tracing::info_span!("index_apply", events = good.len());
    // A span has one parent: the first event's trace shows the batch.
    telemetry::follow(&span, good.first().and_then(|d| d.message().traceparent.as_deref()));
    let writes = newest(writes);
    let applied = async {
        search.index.apply(&writes).await?;
        // Most batches have none: songs are rated some seconds after they were heard, many at once.
        for some in last(ratings).chunks(MOST_RATINGS) {
            search.index.rate(some).await?;
        }
        Ok(())
    };
    match applied.instrument(span).await {
        Ok(()) => {
            quiet.applied(&writes);
            count(search, &events);
            all_answered(good.into_iter().map(|delivery| delivery.ack())).await.map_err(Ended::Bus)
        }
        Err(error) => {
            // Not the messages' fault: they keep their attempts.
            let released = all_answered(good.into_iter().map(|delivery| delivery.release(pause))).await;
            released.map_err(Ended::Bus)?;
            Err(Ended::Index(error))
        }
    }
}

/// The newest change of each thing: those before it would change nothing that lasts.
fn newest(writes: Vec<Write>) -> Vec<Write> {
    let mut newest = HashMap::with_capacity(writes.len());
    for write in writes {
        let ((kind, id), version) = document::subject(&write);
        let key = (kind, id.to_owned());
        match newest.get(&key) {
            Some(kept) if document::subject(kept).1 >= version => {}
            _ => drop(newest.insert(key, write)),
        }
    }
    newest.into_values().collect()
}

/// The last rating of each thing.
fn last(ratings: Vec<Rating>) -> Vec<Rating> {
    let mut last: HashMap<(Kind, String), Rating> = HashMap::with_capacity(ratings.len());
    for rating in ratings {
        last.insert((rating.kind, rating.id.clone()), rating);
    }
    last.into_values().collect()
}

fn count(search: &Inner, events: &[Event]) {
    metrics::counter!("segue_search_events_total", "outcome" => "applied").increment(events.len() as u64);
    let now = search.clock.now();
    for time in events.iter().filter_map(|event| event.time.as_ref()) {
        metrics::histogram!("segue_search_lag_seconds").record(now.since(from_proto(time)).as_secs_f64());
    }
}

/// Waits; `None` when the role stops.
pub(crate) async fn rest(search: &Inner, pause: Duration) -> Option<()> {
    search.stop.run_until_cancelled(tokio::time::sleep(pause)).await
}
