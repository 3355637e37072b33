//! From a delivery to its answer: what a job's outcome means for the row and for the bus.

use super::{
    Job,
    attempt::{attempt, room},
    output::Output,
    publish::publish,
    stop::Stop,
};
use crate::{encoder::Inner, encoding::Failure, repository::Change, running::Notice};
use segue_domain::FailureReason;
use segue_ports::bus::Message;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

const PARKED: &str = "encoding this song failed several times for a reason of ours, not of the file; \
                      it was set aside for an operator, and can be tried again with RetrySong";

/// How to answer the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Done, one way or the other.
    Ack,
    /// The message failed by itself.
    Fail(String),
    /// Something is away; give it back and pause.
    Away(String),
    /// This process ends; give it back.
    GiveBack,
}

/// Handles one delivery of a job.
pub(super) async fn handle(
    encoder: &Inner,
    message: &Message,
    last: bool,
    shutdown: &CancellationToken,
) -> Answer {
    let job = match Job::parse(message) {
        Ok(job) => job,
        Err(why) => return Answer::Fail(why),
    };
    let span = tracing::info_span!("encoding", encoding.id = %job.header.id, song.id = %job.header.song);
    run(encoder, &job, last, shutdown).instrument(span).await
}

async fn run(encoder: &Inner, job: &Job, last: bool, shutdown: &CancellationToken) -> Answer {
    // Before the row is read, so that a cancel in between is heard.
    let entered = encoder.running.enter(job.header.id, job.header.song);
    match encoder.repository.begin(job.header, encoder.deps.clock.now()).await {
        Ok(Change::Made(row)) => {
            tracing::info!(attempt = row.attempts, size_bytes = job.size, "encoding started")
        }
        Ok(Change::Ended(row)) => {
            tracing::debug!(state = row.state.as_str(), "encoding has ended before");
            return Answer::Ack;
        }
        Err(error) => return settle(encoder, job, last, error.into()).await,
    }
    encoder.running.notify(Notice::Changed(job.header.id));
    (encoder.deps.crash)("job-taken");

    let begun = Instant::now();
    let blob = encoder.deps.blob.clone();
    let mut output =
        Output::new(blob, job.header.song, encoder.config.parallel_puts, room(job), encoder.deps.crash);
    let outcome = match attempt(encoder, job, &mut output, &entered.cancel, shutdown).await {
        Ok(made) => publish(encoder, job, made, output).await,
        Err(stop) => {
            output.abandon().await;
            Err(stop)
        }
    };
    let answer = match outcome {
        Ok(()) => {
            let duration = begun.elapsed();
            metrics::histogram!("segue_encoding_seconds").record(duration.as_secs_f64());
            count("succeeded");
            tracing::info!(duration_ms = duration.as_millis() as u64, "encoding succeeded");
            (encoder.deps.crash)("before-ack");
            Answer::Ack
        }
        Err(stop) => settle(encoder, job, last, stop).await,
    };
    encoder.running.notify(Notice::Changed(job.header.id));
    answer
}

async fn settle(encoder: &Inner, job: &Job, last: bool, stop: Stop) -> Answer {
    match stop {
        Stop::Ended => Answer::Ack,
        Stop::ShuttingDown => Answer::GiveBack,
        Stop::Away(why) => Answer::Away(why),
        Stop::Failed(failure) => {
            count(failure.reason.as_str());
            tracing::info!(reason = %failure.reason, message = failure.message, "encoding failed");
            fail(encoder, job, &failure).await.err().unwrap_or(Answer::Ack)
        }
        Stop::Died(why) if !last => {
            count("died");
            tracing::warn!(reason = why, "attempt died");
            Answer::Fail(why)
        }
        Stop::Died(why) => {
            count(FailureReason::Parked.as_str());
            tracing::error!(reason = why, "encoding is parked");
            let parked = fail(encoder, job, &Failure::new(FailureReason::Parked, PARKED)).await;
            parked.err().unwrap_or(Answer::Fail(why))
        }
    }
}

/// Writes the failure down. If that cannot be done now, all of it is done again later.
async fn fail(encoder: &Inner, job: &Job, failure: &Failure) -> Result<(), Answer> {
    let header = job.header;
    match encoder.repository.fail(header.song, header.id, failure, encoder.deps.clock.now()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Answer::Away(error.to_string())),
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("segue_encodings_total", "outcome" => outcome).increment(1);
}
