//! Hears broadcasts: cancels and deleted songs stop jobs here, progress and facts wake watchers.

use crate::{encoder::Inner, queue, running::Notice};
use prost::Message as _;
use segue_domain::{EncodingId, SongId};
use segue_ports::bus::{BusError, Heard, Message};
use segue_proto::event::v1::{EncodingProgress, Event, event::Data};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(1);

/// Listens until shutdown, or until the bus is closed. What is missed costs time and nothing else: rows decide.
pub(crate) async fn hear(encoder: Arc<Inner>, shutdown: CancellationToken) {
    loop {
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            ended = listen(&encoder) => ended,
        };
        if matches!(ended, BusError::Closed) {
            return;
        }
        tracing::warn!(error = %ended, "cannot listen to the bus");
        encoder.running.notify(Notice::Gap);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(encoder: &Inner) -> BusError {
    let mut listener = match encoder.deps.bus.listen(queue::HEARD).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        match listener.next().await {
            Ok(Heard::Message(message)) => heard(encoder, &message),
            Ok(Heard::Gap) => encoder.running.notify(Notice::Gap),
            Err(error) => return error,
        }
    }
}

fn heard(encoder: &Inner, message: &Message) {
    match message.topic.as_str() {
        queue::SONG_DELETED => {
            if let Some(song) = deleted(message) {
                encoder.running.cancel_song(song);
            }
        }
        queue::CANCEL => {
            if let Ok(encoding) = message.key.parse::<EncodingId>() {
                encoder.running.cancel(encoding);
            }
        }
        queue::PROGRESS => {
            let Ok(progress) = EncodingProgress::decode(message.payload.clone()) else { return };
            if let Ok(encoding) = progress.encoding_id.parse::<EncodingId>() {
                // One that runs here told its watchers before it told the bus.
                if encoder.running.percent(encoding) < progress.percent {
                    encoder.running.progressed(encoding, progress.percent);
                }
            }
        }
        _ => {
            if let Ok(encoding) = message.key.parse::<EncodingId>() {
                encoder.running.notify(Notice::Changed(encoding));
            }
        }
    }
}

fn deleted(message: &Message) -> Option<SongId> {
    match Event::decode(message.payload.clone()).ok()?.data? {
        Data::SongDeleted(song) => song.song_id.parse().ok(),
        _ => None,
    }
}
