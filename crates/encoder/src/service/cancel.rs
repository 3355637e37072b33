//! Stops an encoding: the row first, then whoever works on it.

use crate::{
    Error,
    encoder::Inner,
    encoding::{Encoding, Failure},
    queue,
    repository::Change,
    running::Notice,
};
use segue_domain::{EventId, FailureReason};
use segue_ports::bus::Message;

/// FAILED / CANCELLED from now on. A worker that does not hear of it finds the row ended when it would publish.
pub(super) async fn cancel(encoder: &Inner, encoding: Encoding) -> Result<Encoding, Error> {
    let failure =
        Failure::new(FailureReason::Cancelled, "the encoding was cancelled; try again with RetrySong");
    let now = encoder.deps.clock.now();
    let change = encoder.repository.fail(encoding.song, encoding.id, &failure, now).await?;
    let encoding = match change {
        Change::Made(encoding) => encoding,
        Change::Ended(encoding) => {
            let before = encoding.failure.as_ref().is_some_and(|f| f.reason == FailureReason::Cancelled);
            return if before { Ok(encoding) } else { Err(Error::Ended(encoding.state.as_str())) };
        }
    };
    tracing::info!(encoding.id = %encoding.id, song.id = %encoding.song, "encoding cancelled");
    encoder.running.cancel(encoding.id);
    encoder.running.notify(Notice::Changed(encoding.id));
    encoder.deps.bus.announce(Message {
        id: EventId::new().to_string(),
        topic: queue::CANCEL.into(),
        key: encoding.id.to_string(),
        payload: bytes::Bytes::new(),
        traceparent: None,
    });
    Ok(encoding)
}
