//! A request body whose messages are measured as they stream by. No message is decoded or kept: five bytes of
//! header tell how long each one is, compressed or not (gRPC over HTTP/2, "Length-Prefixed-Message").

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use segue_domain::{Code, Coded};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// What a request body did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(
        "the request message announces {bytes} bytes, and at most {max} are taken; send less, and audio to the upload URL"
    )]
    TooLarge { bytes: u32, max: u32 },
    #[error(
        "the request does not consist of gRPC messages: byte {0} where 0 or 1 says whether a message is compressed"
    )]
    BadFlag(u8),
    #[error("the request ends in the middle of a message; send it again")]
    Truncated,
    #[error("the request has no message; send one, if only an empty one")]
    Missing,
    #[error("the request has more than one message, and this method takes one")]
    TooMany,
    #[error("the request body cannot be read to its end; send it again")]
    Unreadable,
}

impl Coded for Fault {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::ResourceExhausted,
            _ => Code::InvalidArgument,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "MESSAGE_TOO_LARGE",
            _ => "MESSAGE_MALFORMED",
        }
    }
    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooLarge { max, .. } => vec![("max_message_bytes", max.to_string())],
            _ => Vec::new(),
        }
    }
}

/// What may come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// Longest message, bytes.
    pub(crate) max: u32,
    /// The method takes exactly one message.
    pub(crate) single: bool,
}

/// Where in the row of messages we are.
#[derive(Debug)]
struct Scan {
    allowed: Allowed,
    head: [u8; 5],
    have: usize,
    left: usize,
    messages: u64,
}

impl Scan {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let skip = self.left.min(bytes.len());
                self.left -= skip;
                bytes = &bytes[skip..];
                continue;
            }
            let take = (5 - self.have).min(bytes.len());
            self.head[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            bytes = &bytes[take..];
            if self.have == 5 {
                self.have = 0;
                self.begin_message()?;
            }
        }
        Ok(())
    }

    fn begin_message(&mut self) -> Result<(), Fault> {
        let [flag, a, b, c, d] = self.head;
        if flag > 1 {
            return Err(Fault::BadFlag(flag));
        }
        let bytes = u32::from_be_bytes([a, b, c, d]);
        if bytes > self.allowed.max {
            return Err(Fault::TooLarge { bytes, max: self.allowed.max });
        }
        self.messages += 1;
        if self.allowed.single && self.messages > 1 {
            return Err(Fault::TooMany);
        }
        self.left = bytes as usize;
        Ok(())
    }

    fn end(&self) -> Result<(), Fault> {
        if self.have > 0 || self.left > 0 {
            return Err(Fault::Truncated);
        }
        if self.allowed.single && self.messages == 0 {
            return Err(Fault::Missing);
        }
        Ok(())
    }
}

/// `inner`, cut at the first fault. Whoever holds the other end of `fault` hears of it at once, so that the
/// answer need not wait for a role to notice.
pub(crate) struct Measured<B> {
    inner: B,
    scan: Scan,
    fault: Option<oneshot::Sender<Fault>>,
    cut: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Measured<B> {
    pub(crate) fn new(inner: B, allowed: Allowed) -> Result<(Self, oneshot::Receiver<Fault>), Fault> {
        let scan = Scan { allowed, head: [0; 5], have: 0, left: 0, messages: 0 };
        if inner.is_end_stream() {
            // Nobody may poll a body that has ended, so nothing later would notice.
            scan.end()?;
        }
        let (fault, heard) = oneshot::channel();
        Ok((Self { inner, scan, fault: Some(fault), cut: false }, heard))
    }

    fn cut(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.cut = true;
        if let Some(sender) = self.fault.take() {
            let _ = sender.send(fault);
        }
        Poll::Ready(Some(Err(fault)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Measured<B> {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if self.cut {
            return Poll::Ready(None);
        }
        let frame = match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return self.cut(Fault::Unreadable),
            None => {
                return match self.scan.end() {
                    Ok(()) => Poll::Ready(None),
                    Err(fault) => self.cut(fault),
                };
            }
        };
        let mut checked = frame.data_ref().map_or(Ok(()), |data| self.scan.feed(data));
        if checked.is_ok() && self.inner.is_end_stream() {
            checked = self.scan.end();
        }
        match checked {
            Ok(()) => Poll::Ready(Some(Ok(frame))),
            Err(fault) => self.cut(fault),
        }
    }

    // Both must be forwarded: h2 ends the connection (too_many_data_frames) over bodies that hide their end.
    fn is_end_stream(&self) -> bool {
        self.cut || self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Base64 whose length must not pass for the length of what is in it: hyper would announce it to the role.
pub(crate) struct Unsized<B>(pub(crate) B);

impl<B: Body + Unpin> Body for Unsized<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
    // size_hint: unknown, the default.
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, StreamBody};

    const ONE: Allowed = Allowed { max: 10, single: true };

    fn message(flag: u8, length: u32) -> Vec<u8> {
        let mut bytes = vec![flag];
        bytes.extend(length.to_be_bytes());
        bytes.extend(std::iter::repeat_n(7, length as usize));
        bytes
    }

    /// All of it in chunks of `size` bytes.
    async fn pass(bytes: &[u8], size: usize, allowed: Allowed) -> Result<Vec<u8>, Fault> {
        let chunks: Vec<_> =
            bytes.chunks(size).map(|c| Ok::<_, Fault>(Frame::data(Bytes::copy_from_slice(c)))).collect();
        let (body, mut heard) = Measured::new(StreamBody::new(futures::stream::iter(chunks)), allowed)?;
        let result = body.collect().await.map(|b| b.to_bytes().to_vec());
        assert_eq!(heard.try_recv().ok(), result.as_ref().err().copied(), "the fault is heard of");
        result
    }

    #[tokio::test]
    async fn good_messages_pass_whatever_the_chunks() {
        let many = Allowed { max: 10, single: false };
        let row = [message(0, 10), message(1, 0), message(1, 3)].concat();
        for size in 1..=row.len() {
            assert_eq!(pass(&row, size, many).await.unwrap(), row, "chunks of {size}");
        }
        assert_eq!(pass(&[], 1, many).await.unwrap(), b"");
        assert_eq!(pass(&message(0, 0), 2, ONE).await.unwrap(), message(0, 0));
    }

    #[tokio::test]
    async fn faults_are_named_whatever_the_chunks() {
        let good = message(0, 4);
        for (bytes, fault) in [
            (message(0, 11), Fault::TooLarge { bytes: 11, max: 10 }),
            (vec![0, 255, 255, 255, 255], Fault::TooLarge { bytes: u32::MAX, max: 10 }),
            (message(2, 1), Fault::BadFlag(2)),
            (good[..3].to_vec(), Fault::Truncated),
            (good[..8].to_vec(), Fault::Truncated),
            (vec![], Fault::Missing),
            ([good.clone(), good.clone()].concat(), Fault::TooMany),
        ] {
            for size in 1..=bytes.len().max(1) {
                assert_eq!(pass(&bytes, size, ONE).await, Err(fault), "chunks of {size}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_with_a_known_end_is_checked_without_a_further_poll() {
        let whole = Full::new(Bytes::from(message(0, 4)));
        let (mut body, _heard) = Measured::new(whole, ONE).unwrap();
        assert_eq!(body.size_hint().exact(), Some(9));
        assert!(!body.is_end_stream());
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.is_end_stream());
        let (mut body, _heard) = Measured::new(Full::new(Bytes::from_static(&[0, 0])), ONE).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap_err(), Fault::Truncated);
        assert_eq!(Measured::new(Full::new(Bytes::new()), ONE).err(), Some(Fault::Missing));
    }
}
