//! Jobs and facts that could not be handled, for administrators.

use super::{Session, table};
use crate::{cli::JobsCommand, output};
use anyhow::Context;
use prost::Message;
use segue_client::{
    ClientError,
    proto::{
        encoder::v1::{DeadLetter, DropDeadLetterRequest, ListDeadLettersRequest, RetryDeadLetterRequest},
        event::v1::Event,
    },
};
use serde_json::{Value, json};

pub(crate) async fn run(session: &Session, command: JobsCommand) -> anyhow::Result<()> {
    match command {
        JobsCommand::Ls { queue } => list(session, queue.unwrap_or_default()).await,
        JobsCommand::Show { job, queue } => show(session, &job, queue).await,
        JobsCommand::Retry { jobs, all, queue } => {
            let letters = choose(session, &jobs, all, queue).await?;
            none(session, &letters);
            for letter in letters {
                retry(session, &letter).await?;
            }
            Ok(())
        }
        JobsCommand::Drop { jobs, all, queue, yes } => {
            let letters = choose(session, &jobs, all, queue).await?;
            if none(session, &letters) {
                return Ok(());
            }
            let jobs = table::count(letters.len() as u64, "job");
            output::confirm(&format!("Throw {jobs} away for good?"), yes)?;
            for letter in letters {
                throw_away(session, &letter).await?;
            }
            Ok(())
        }
    }
}

/// All dead letters, of one queue or of all.
async fn find(session: &Session, queue: String) -> Result<Vec<DeadLetter>, ClientError> {
    let (mut letters, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDeadLettersRequest { queue: queue.clone(), page_size: 200, page_token };
        let request = session.client.request(request).await?;
        let answer = session.client.encodings().list_dead_letters(request).await;
        let answer = answer.map_err(|s| session.client.refused(s))?.into_inner();
        letters.extend(answer.dead_letters);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(letters);
        }
    }
}

/// Those that are named. One event may have died in several queues; then the queue has to be named too.
async fn choose(
    session: &Session,
    jobs: &[String],
    all: bool,
    queue: Option<String>,
) -> anyhow::Result<Vec<DeadLetter>> {
    let letters = find(session, queue.unwrap_or_default()).await?;
    if all {
        return Ok(letters);
    }
    jobs.iter()
        .map(|job| {
            let mut found = letters.iter().filter(|letter| letter.dead_letter_id == *job);
            let first = found.next().with_context(|| format!("there is no {job}; see 'segue jobs ls'"))?;
            if let Some(other) = found.next() {
                let (one, two) = (&first.queue, &other.queue);
                anyhow::bail!("{job} is in {one} and in {two}: say which with --queue");
            }
            Ok(first.clone())
        })
        .collect()
}

/// Says so when there are no jobs.
fn none(session: &Session, letters: &[DeadLetter]) -> bool {
    if letters.is_empty() && !session.json {
        output::text("no job is parked");
    }
    letters.is_empty()
}

async fn list(session: &Session, queue: String) -> anyhow::Result<()> {
    let letters = find(session, queue).await?;
    if session.json {
        letters.iter().for_each(|letter| output::json(&object(letter)));
        return Ok(());
    }
    if none(session, &letters) {
        return Ok(());
    }
    let row = |l: &DeadLetter| {
        vec![
            l.dead_letter_id.clone(),
            l.queue.clone(),
            l.topic.clone(),
            l.failures.to_string(),
            l.reason.clone(),
        ]
    };
    table::print(
        &["ID", "QUEUE", "EVENT", "FAILURES", "REASON"],
        &letters.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(())
}

async fn show(session: &Session, job: &str, queue: Option<String>) -> anyhow::Result<()> {
    let letter = choose(session, &[job.to_owned()], false, queue).await?.remove(0);
    let event = Event::decode(letter.payload.as_slice());
    if session.json {
        let mut line = object(&letter);
        line["event"] = event.map_or(Value::Null, |event| format!("{event:?}").into());
        output::json(&line);
        return Ok(());
    }
    for (name, value) in [
        ("id", &letter.dead_letter_id),
        ("queue", &letter.queue),
        ("event", &letter.event_id),
        ("topic", &letter.topic),
        ("about", &letter.key),
        ("failures", &letter.failures.to_string()),
        ("reason", &letter.reason),
        ("trace", &letter.traceparent),
    ] {
        // What another program put there may hold anything.
        output::text(&format!("{name:<9} {}", output::clean(value)));
    }
    match event {
        Ok(event) => output::text(&format!("{event:#?}")),
        Err(error) => {
            output::text(&format!("payload   {} bytes that are no event: {error}", letter.payload.len()))
        }
    }
    Ok(())
}

async fn retry(session: &Session, letter: &DeadLetter) -> anyhow::Result<()> {
    let (queue, dead_letter_id) = (letter.queue.clone(), letter.dead_letter_id.clone());
    let request = session.client.request(RetryDeadLetterRequest { queue, dead_letter_id }).await?;
    let answer = session.client.encodings().retry_dead_letter(request).await;
    let found = answer.map_err(|s| session.client.refused(s))?.into_inner().found;
    say(session, letter, found, "is tried again");
    Ok(())
}

async fn throw_away(session: &Session, letter: &DeadLetter) -> anyhow::Result<()> {
    let (queue, dead_letter_id) = (letter.queue.clone(), letter.dead_letter_id.clone());
    let request = session.client.request(DropDeadLetterRequest { queue, dead_letter_id }).await?;
    let answer = session.client.encodings().drop_dead_letter(request).await;
    let found = answer.map_err(|s| session.client.refused(s))?.into_inner().found;
    say(session, letter, found, "is thrown away");
    Ok(())
}

fn say(session: &Session, letter: &DeadLetter, found: bool, what: &str) {
    let (id, queue) = (&letter.dead_letter_id, &letter.queue);
    if session.json {
        output::json(&json!({"id": id, "queue": queue, "found": found}));
    } else if found {
        output::text(&format!("{id} of {queue} {what}"));
    } else {
        output::text(&format!("{id} is not in {queue} any more"));
    }
}

fn object(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.dead_letter_id, "queue": letter.queue, "event_id": letter.event_id, "topic": letter.topic,
        "key": letter.key, "failures": letter.failures, "reason": letter.reason,
    })
}
