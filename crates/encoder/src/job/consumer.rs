//! A worker: takes jobs from the bus one by one, and stops taking while something it needs is away.

use super::settle::{Answer, handle};
use crate::{encoder::Inner, queue};
use segue_mesh::telemetry::follow;
use segue_ports::bus::{BusError, Message, WorkConsumer};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// Works until shutdown, or until the bus is closed.
pub(crate) async fn work(encoder: Arc<Inner>, shutdown: CancellationToken) {
    let queue = queue::jobs(&encoder.config);
    let first = Duration::from_millis(encoder.config.pause_ms);
    let mut pause = first;
    while !shutdown.is_cancelled() {
        let ended = match encoder.deps.bus.consume(&queue).await {
            Ok(consumer) => consume(&encoder, consumer, &shutdown, first, &mut pause).await,
            Err(error) => error,
        };
        if matches!(ended, BusError::Closed) {
            return;
        }
        tracing::warn!(error = %ended, pause_ms = pause.as_millis() as u64, "bus is away");
        rest(&shutdown, &mut pause).await;
    }
}

/// Takes jobs until the consumer ends.
async fn consume(
    encoder: &Arc<Inner>,
    mut consumer: Box<dyn WorkConsumer>,
    shutdown: &CancellationToken,
    first: Duration,
    pause: &mut Duration,
) -> BusError {
    loop {
        let delivery = tokio::select! {
            biased;
            () = shutdown.cancelled() => return BusError::Closed,
            delivery = consumer.next() => match delivery {
                Ok(delivery) => delivery,
                Err(error) => return error,
            },
        };
        let (message, last) = (delivery.message().clone(), delivery.last_attempt());
        let answer = run_apart(encoder, message, last, shutdown).await;
        let answered = match answer {
            Answer::Ack => delivery.ack().await,
            Answer::Fail(why) => delivery.fail(&why).await,
            Answer::GiveBack => delivery.release(Duration::ZERO).await,
            Answer::Away(why) => {
                tracing::warn!(reason = why, pause_ms = pause.as_millis() as u64, "job is put back");
                let released = delivery.release(*pause).await;
                rest(shutdown, pause).await;
                if let Err(error) = released {
                    return error;
                }
                continue;
            }
        };
        // What was not acknowledged comes again, and finds its row as it is.
        if let Err(error) = answered {
            return error;
        }
        *pause = first;
    }
}

/// In a task of its own, so that a bug in handling one job is that job's failure.
async fn run_apart(
    encoder: &Arc<Inner>,
    message: Message,
    last: bool,
    shutdown: &CancellationToken,
) -> Answer {
    let (encoder, shutdown) = (Arc::clone(encoder), shutdown.clone());
    let span = tracing::info_span!("encode", messaging.message.id = message.id, otel.kind = "consumer");
    follow(&span, message.traceparent.as_deref());
    let job = async move { handle(&encoder, &message, last, &shutdown).await };
    match tokio::spawn(job.instrument(span)).await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => Answer::Fail("handling the job panicked".into()),
        Err(_) => Answer::GiveBack,
    }
}

async fn rest(shutdown: &CancellationToken, pause: &mut Duration) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(*pause) => {}
    }
    *pause = (*pause * 2).min(LONGEST);
}
