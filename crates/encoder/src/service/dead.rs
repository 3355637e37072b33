//! Dead letters of all work queues: they are looked at and decided about here, because encodings are what dies most.

use crate::{Error, encoder::Inner, job::Job, queue};
use segue_domain::{FailureReason, PageError, PageSize, PageToken, SongId};
use segue_mesh::status as to_status;
use segue_proto::encoder::v1::{DeadLetter, ListDeadLettersRequest, ListDeadLettersResponse};
use tonic::Status;

/// One page. Who takes a letter out between two pages may make the second begin anew.
pub(super) async fn list(
    encoder: &Inner,
    queues: &[String],
    request: ListDeadLettersRequest,
) -> Result<ListDeadLettersResponse, Error> {
    let size = PageSize::new(request.page_size)?.get() as usize;
    let query = ["ListDeadLetters", &request.queue];
    let after = PageToken::decode(&query, &request.page_token)?;
    // No queue has a name with a line break.
    let after = after.as_deref().map(|c| c.split_once('\n').ok_or(PageError::Malformed)).transpose()?;

    let asked: Vec<&String> = match request.queue.as_str() {
        "" => queues.iter().collect(),
        queue => vec![known(queues, queue)?],
    };
    let first = match after {
        None => 0,
        Some((queue, _)) => asked.iter().position(|q| *q == queue).ok_or(PageError::Malformed)?,
    };
    let mut found = Vec::new();
    for queue in &asked[first..] {
        let letters = encoder.deps.bus.dead_letters(queue).await?;
        let seen = match after {
            Some((begun, id)) if begun == queue.as_str() => {
                letters.iter().position(|letter| letter.id == id).map_or(0, |at| at + 1)
            }
            _ => 0,
        };
        found.extend(letters.into_iter().skip(seen));
        if found.len() > size {
            break;
        }
    }
    let more = found.len() > size;
    found.truncate(size);
    let next_page_token = match found.last() {
        Some(last) if more => PageToken::encode(&query, &format!("{}\n{}", last.queue, last.id)),
        _ => String::new(),
    };
    Ok(ListDeadLettersResponse { dead_letters: found.into_iter().map(show).collect(), next_page_token })
}

/// Puts one back into its queue; false when it is not there.
pub(super) async fn retry(encoder: &Inner, queues: &[String], queue: &str, id: &str) -> Result<bool, Status> {
    let queue = known(queues, queue).map_err(status)?;
    if queue == queue::JOBS
        && let Some(song) = parked(encoder, id).await.map_err(status)?
    {
        // Its encoding has ended, so its message would find nothing to do.
        encoder.songs.retry(song).await?;
        tracing::info!(song.id = %song, "parked song is tried again");
        return encoder.deps.bus.drop_dead(queue, id).await.map_err(|e| status(e.into()));
    }
    let found = encoder.deps.bus.retry_dead(queue, id).await.map_err(|e| status(e.into()))?;
    tracing::info!(queue, dead_letter.id = id, found, "dead letter is tried again");
    Ok(found)
}

/// The song whose encoding was set aside together with this message.
async fn parked(encoder: &Inner, id: &str) -> Result<Option<SongId>, Error> {
    let letters = encoder.deps.bus.dead_letters(queue::JOBS).await?;
    let job = letters.iter().find(|letter| letter.id == id).map(|letter| Job::parse(&letter.message));
    let Some(Ok(job)) = job else { return Ok(None) };
    let encoding = encoder.repository.get(job.header.song, job.header.id).await?;
    let failure = encoding.and_then(|encoding| encoding.failure);
    Ok(failure.is_some_and(|f| f.reason == FailureReason::Parked).then_some(job.header.song))
}

/// Throws one away; false when it is not there.
pub(super) async fn drop(encoder: &Inner, queues: &[String], queue: &str, id: &str) -> Result<bool, Error> {
    let found = encoder.deps.bus.drop_dead(known(queues, queue)?, id).await?;
    tracing::info!(queue, dead_letter.id = id, found, "dead letter is thrown away");
    Ok(found)
}

fn status(error: Error) -> Status {
    to_status(error)
}

fn known<'a>(queues: &'a [String], queue: &str) -> Result<&'a String, Error> {
    let found = queues.iter().find(|known| *known == queue);
    found.ok_or_else(|| Error::field("queue", format!("is none of the work queues: {}", queues.join(", "))))
}

fn show(letter: segue_ports::bus::DeadLetter) -> DeadLetter {
    let segue_ports::bus::DeadLetter { id, queue, message, reason, failures } = letter;
    DeadLetter {
        dead_letter_id: id,
        queue,
        event_id: message.id,
        topic: message.topic,
        key: message.key,
        reason,
        failures,
        traceparent: message.traceparent.unwrap_or_default(),
        payload: message.payload.into(),
    }
}
