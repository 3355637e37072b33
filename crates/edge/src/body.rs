//! A body that is still coming.

use crate::error::FillError;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use http_body::{Body, Frame, SizeHint};
use metrics::Counter;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Bytes of a fill, of known length. When the fill fails it ends with an error, which breaks the connection or resets the
/// stream: a body that is short never looks whole.
pub(crate) struct Coming {
    stream: BoxStream<'static, Result<Bytes, FillError>>,
    remaining: u64,
    sent: Counter,
}

impl Coming {
    /// `len` bytes out of `stream`, counted in `sent`.
    pub(crate) fn new(
        stream: impl Stream<Item = Result<Bytes, FillError>> + Send + 'static,
        len: u64,
        sent: Counter,
    ) -> Self {
        Self { stream: stream.boxed(), remaining: len, sent }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = FillError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FillError>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(self.stream.poll_next_unpin(cx)) {
            Some(Ok(bytes)) => {
                self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
                self.sent.increment(bytes.len() as u64);
                Ok(Frame::data(bytes))
            }
            Some(Err(error)) => Err(error),
            None => Err(FillError::Unavailable),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
