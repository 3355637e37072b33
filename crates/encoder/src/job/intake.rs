//! Makes the rows of jobs that wait.

use super::Job;
use crate::{encoder::Inner, queue};
use segue_ports::bus::{BusError, Delivery, Message};
use segue_store::StoreError;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(1);

/// Takes jobs in until shutdown, or until the bus is closed.
pub(crate) async fn take_in(encoder: Arc<Inner>, shutdown: CancellationToken) {
    let queue = queue::intake();
    loop {
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            ended = async {
                let mut consumer = match encoder.deps.bus.consume(&queue).await {
                    Ok(consumer) => consumer,
                    Err(error) => return error,
                };
                loop {
                    let delivery = match consumer.next().await {
                        Ok(delivery) => delivery,
                        Err(error) => return error,
                    };
                    if let Err(error) = answer(&encoder, delivery).await {
                        return error;
                    }
                }
            } => ended,
        };
        if matches!(ended, BusError::Closed) {
            return;
        }
        tracing::warn!(error = %ended, "bus is away");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn answer(encoder: &Inner, delivery: Box<dyn Delivery>) -> Result<(), BusError> {
    let message = delivery.message().clone();
    match queue_row(encoder, &message).await {
        Ok(()) => delivery.ack().await,
        Err(Trouble::Message(why)) => delivery.fail(&why).await,
        Err(Trouble::Store(error @ StoreError::Unavailable(_))) => {
            tracing::warn!(%error, "job is put back");
            delivery.release(PAUSE).await?;
            tokio::time::sleep(PAUSE).await;
            Ok(())
        }
        Err(Trouble::Store(error)) => delivery.fail(&error.to_string()).await,
    }
}

enum Trouble {
    Message(String),
    Store(StoreError),
}

async fn queue_row(encoder: &Inner, message: &Message) -> Result<(), Trouble> {
    let job = Job::parse(message).map_err(Trouble::Message)?;
    encoder.repository.queue(job.header, encoder.deps.clock.now()).await.map_err(Trouble::Store)
}
