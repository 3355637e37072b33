//! A body that ends with a status at a moment: the deadline of the call, or the end of the caller's token.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{Instant, Sleep};
use tonic::Status;

/// `inner`, cut with the trailers of a status when the moment comes first.
pub(crate) struct Bounded {
    inner: axum::body::Body,
    end: Pin<Box<Sleep>>,
    status: fn() -> Status,
    cut: bool,
}

impl Bounded {
    pub(crate) fn new(inner: axum::body::Body, end: Instant, status: fn() -> Status) -> Self {
        Self { inner, end: Box::pin(tokio::time::sleep_until(end)), status, cut: false }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.cut {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.end.as_mut().poll(cx).is_ready() {
            self.cut = true;
            let headers = (self.status)().into_http::<tonic::body::Body>().into_parts().0.headers;
            return Poll::Ready(Some(Ok(Frame::trailers(headers))));
        }
        Poll::Pending
    }

    // Both must be forwarded: h2 ends the connection (too_many_data_frames) over bodies that hide their end.
    fn is_end_stream(&self) -> bool {
        self.cut || self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
