//! Bodies that outlive their connection: what is missing is asked for again, of the same object and no other.

use super::{failure::Failure, read::Reads};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use reqwest::Response;
use segue_domain::ObjectName;
use segue_ports::blob::{BlobError, ByteStream};
use std::{ops::Range, pin::Pin};
use tokio::time::timeout;

type Pieces = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

struct Body {
    reads: Reads,
    object: ObjectName,
    etag: String,
    /// What has not been read.
    rest: Range<u64>,
    pieces: Pieces,
    /// Connections that broke since the last byte.
    broken: u32,
}

/// The bytes of `range`, of which `response` is the first attempt.
pub(super) fn body(
    reads: Reads,
    object: ObjectName,
    etag: String,
    range: Range<u64>,
    response: Response,
) -> ByteStream {
    let pieces = response.bytes_stream().boxed();
    let body = Body { reads, object, etag, rest: range, pieces, broken: 0 };
    stream::try_unfold(body, |mut body| async move { Ok(body.next().await?.map(|piece| (piece, body))) })
        .boxed()
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        while !self.rest.is_empty() {
            match self.piece().await {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    self.rest.start += piece.len() as u64;
                    self.broken = 0;
                    return Ok(Some(piece));
                }
                Err(failure) => self.reopen(failure).await?,
            }
        }
        Ok(None)
    }

    async fn piece(&mut self) -> Result<Bytes, Failure> {
        let idle = self.reads.timeouts.idle();
        let piece = match timeout(idle, self.pieces.next()).await {
            Err(_) => return Err(Failure::TimedOut(idle)),
            Ok(None) => return Err(Failure::Broken("the body ended early".to_owned())),
            Ok(Some(piece)) => piece?,
        };
        match piece.len() as u64 > self.rest.end - self.rest.start {
            true => Err(Failure::Garbled("there are more bytes than were promised".to_owned())),
            false => Ok(piece),
        }
    }

    async fn reopen(&mut self, failure: Failure) -> Result<(), BlobError> {
        self.broken += 1;
        if !failure.is_transient() || self.broken >= self.reads.timeouts.tries {
            return Err(failure.of(&self.object));
        }
        tracing::debug!(blob.object = %self.object, at = self.rest.start, error = %failure, "read is resumed");
        metrics::counter!("segue_blob_resumed_reads_total").increment(1);
        let response = self.reads.rest(&self.object, self.rest.clone(), &self.etag).await;
        self.pieces = response.map_err(|failure| failure.of(&self.object))?.bytes_stream().boxed();
        Ok(())
    }
}
