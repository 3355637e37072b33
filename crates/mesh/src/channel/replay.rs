//! Request bodies that can be sent again.

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Collected, Full};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tonic::{Status, body::Body};

/// What a call sends.
pub(super) enum Outgoing {
    /// The whole body: can be sent as often as one likes.
    Whole(Bytes),
    /// A stream, or a body of a call that must not be repeated: can be sent again as long as nobody has read of it.
    Once(Arc<Mutex<Option<Body>>>),
}

impl Outgoing {
    /// Reads a body to its end, when it may be needed again. The size of a message is bounded by whoever made it.
    pub(super) async fn of(body: Body, repeatable: bool) -> Result<Self, Status> {
        match repeatable {
            true => Ok(Self::Whole(body.collect().await.map(Collected::to_bytes)?)),
            false => Ok(Self::Once(Arc::new(Mutex::new(Some(body))))),
        }
    }

    /// The body for one attempt.
    pub(super) fn body(&self) -> Body {
        match self {
            Self::Whole(bytes) => Body::new(Full::new(bytes.clone())),
            Self::Once(shared) => Body::new(Unread { shared: Arc::clone(shared), taken: None }),
        }
    }

    /// True while another attempt would send the same.
    pub(super) fn can_repeat(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Once(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
        }
    }
}

/// Takes the body when it is first read.
struct Unread {
    shared: Arc<Mutex<Option<Body>>>,
    taken: Option<Body>,
}

impl http_body::Body for Unread {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.taken.is_none() {
            let taken = self.shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.taken = taken;
        }
        match &mut self.taken {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    // Both must be forwarded: h2 ends the connection (too_many_data_frames) over bodies that hide their end.
    fn is_end_stream(&self) -> bool {
        match &self.taken {
            Some(body) => body.is_end_stream(),
            None => {
                let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.as_ref().is_none_or(Body::is_end_stream)
            }
        }
    }
    fn size_hint(&self) -> SizeHint {
        match &self.taken {
            Some(body) => body.size_hint(),
            None => {
                let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
            }
        }
    }
}
