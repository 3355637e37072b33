//! The answer to a call: it always ends with a status, whatever became of the role.

use crate::{measured::Fault, meter::Call, refused::Refused};
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, Response, header::CONTENT_TYPE};
use http_body::{Frame, SizeHint};
use segue_mesh::status;
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{sync::oneshot, time::Sleep};
use tonic::{Code, Status, body::Body};

/// The body of an answer. What it hides: broken connections, panics and bodies without an end become trailers.
pub(crate) struct Answer {
    /// `None` when the headers say it all.
    inner: Option<Body>,
    call: Call,
    /// What the request body does wrong while the answer streams.
    fault: Option<oneshot::Receiver<Fault>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Infallible>>>;

impl Answer {
    /// A status and nothing else.
    pub(crate) fn refusal(refused: Status, mut call: Call) -> Response<Self> {
        call.ends(refused.code());
        let (parts, ()) = refused.into_http::<()>().into_parts();
        Response::from_parts(parts, Self { inner: None, call, fault: None, deadline: None })
    }

    /// What a role answers.
    pub(crate) fn relay(
        answer: Response<Body>,
        mut call: Call,
        fault: Option<oneshot::Receiver<Fault>>,
        deadline: Option<Pin<Box<Sleep>>>,
    ) -> Response<Self> {
        let (parts, body) = answer.into_parts();
        let inner = match parts.headers.get("grpc-status") {
            Some(code) => {
                call.ends(Code::from_bytes(code.as_bytes()));
                None
            }
            None => Some(body),
        };
        Response::from_parts(parts, Self { inner, call, fault, deadline })
    }

    /// Ends with the trailers of `status`.
    fn end(&mut self, status: Status) -> Polled {
        self.call.ends(status.code());
        self.inner = None;
        let mut trailers = HeaderMap::with_capacity(4);
        if status.add_header(&mut trailers).is_err() {
            // A message that no header can carry; the code alone can.
            trailers.insert("grpc-status", http::HeaderValue::from(status.code() as i32));
        }
        trailers.remove(CONTENT_TYPE);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    /// A fault of the request explains what the role then says, so it is asked first.
    fn fault(&mut self, cx: &mut Context<'_>) -> Option<Fault> {
        match self.fault.as_mut()?.poll_unpin(cx) {
            Poll::Pending => None,
            Poll::Ready(heard) => {
                self.fault = None;
                heard.ok()
            }
        }
    }

    fn service(&self) -> String {
        self.call.method().split('/').next().unwrap_or_default().to_owned()
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        // A local role's stream runs in here.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)));
        if !matches!(&polled, Ok(Poll::Ready(Some(Ok(frame)))) if frame.is_data())
            && let Some(fault) = this.fault(cx)
        {
            return this.end(status(fault));
        }
        match polled {
            Err(_) => this.end(status(Refused::Panicked)),
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.call.ends(
                        trailers.get("grpc-status").map_or(Code::Unknown, |c| Code::from_bytes(c.as_bytes())),
                    );
                    this.inner = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(Poll::Ready(Some(Err(broken)))) => {
                let service = this.service();
                this.end(status(Refused::Unreachable { service, source: broken.into() }))
            }
            Ok(Poll::Ready(None)) => {
                let service = this.service();
                this.end(status(Refused::BrokenOff { service }))
            }
            Ok(Poll::Pending) => match this.deadline.as_mut().map(|d| d.poll_unpin(cx)) {
                Some(Poll::Ready(())) => this.end(status(Refused::Late)),
                _ => Poll::Pending,
            },
        }
    }

    // h2 would send an empty frame more for a body that hides its end.
    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }
    fn size_hint(&self) -> SizeHint {
        // Not the role's: gRPC-Web puts the trailers into the body.
        if self.inner.is_none() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}
