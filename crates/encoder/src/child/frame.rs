//! What the child tells the parent. One frame: kind (u8), length (u32, little endian), body.
//!
//! The parent trusts nothing in it: a child that was taken over by a hostile file may write anything.

use bytes::{Bytes, BytesMut};
use std::io::{self, Write};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Largest object, bytes.
pub(crate) const MAX_OBJECT: usize = 32 << 20;
/// Longest name or media type, bytes.
const MAX_TEXT: usize = 255;
/// Longest body of the small frames, bytes.
const MAX_SMALL: usize = 4096;

const PROGRESS: u8 = 1;
const OBJECT: u8 = 2;
const FAILED: u8 = 3;
const DONE: u8 = 4;

/// A frame as the parent reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Thousandths of the work that are done.
    Progress(u32),
    /// An object of the output. `name` is relative to its folder and not checked yet.
    Object { name: String, content_type: String, bytes: Bytes },
    /// The work has failed: a `segue_media` reason, and a sentence.
    Failed { reason: String, message: String },
    /// Every object has been sent.
    Done,
}

/// Reads the next frame; `None` at the end. Not cancel-safe: a reader that was dropped halfway must not go on.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let kind = match from.read_u8().await {
        Ok(kind) => kind,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    let length = from.read_u32_le().await? as usize;
    if kind == OBJECT {
        return read_object(from, length).await.map(Some);
    }
    if length > MAX_SMALL {
        return Err(garbage("frame is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    match (kind, body.as_slice()) {
        (PROGRESS, &[a, b, c, d]) => Ok(Some(Frame::Progress(u32::from_le_bytes([a, b, c, d]).min(1000)))),
        (FAILED, body) => {
            let (reason, message) = split_text(body)?;
            Ok(Some(Frame::Failed { reason, message: text(message)? }))
        }
        (DONE, []) => Ok(Some(Frame::Done)),
        _ => Err(garbage("unknown frame")),
    }
}

async fn read_object(from: &mut (impl AsyncRead + Unpin), length: usize) -> io::Result<Frame> {
    let name = read_text(from).await?;
    let content_type = read_text(from).await?;
    let head = 2 + name.len() + content_type.len();
    let size = length.checked_sub(head).filter(|size| *size <= MAX_OBJECT);
    let size = size.ok_or_else(|| garbage("object has a wrong size"))?;
    // Grows as bytes arrive: a length alone allocates nothing.
    let mut bytes = BytesMut::with_capacity(size.min(1 << 20));
    let mut rest = from.take(size as u64);
    while bytes.len() < size {
        bytes.reserve((size - bytes.len()).min(1 << 20));
        if rest.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Frame::Object { name, content_type, bytes: bytes.freeze() })
}

async fn read_text(from: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut body = vec![0; usize::from(from.read_u8().await?)];
    from.read_exact(&mut body).await?;
    text(&body)
}

fn split_text(body: &[u8]) -> io::Result<(String, &[u8])> {
    let (length, rest) = body.split_first().ok_or_else(|| garbage("empty frame"))?;
    let (first, rest) = rest.split_at_checked(usize::from(*length)).ok_or_else(|| garbage("text is cut"))?;
    Ok((text(first)?, rest))
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| garbage("text is not UTF-8"))
}

fn garbage(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Writes [`Frame::Progress`].
pub(crate) fn write_progress(to: &mut impl Write, thousandths: u32) -> io::Result<()> {
    write_head(to, PROGRESS, 4)?;
    to.write_all(&thousandths.to_le_bytes())
}

/// Writes [`Frame::Object`]; the bytes go out as they are.
pub(crate) fn write_object(
    to: &mut impl Write,
    name: &str,
    content_type: &str,
    bytes: &[u8],
) -> io::Result<()> {
    if bytes.len() > MAX_OBJECT || name.len() > MAX_TEXT || content_type.len() > MAX_TEXT {
        return Err(garbage("object is too large"));
    }
    write_head(to, OBJECT, 2 + name.len() + content_type.len() + bytes.len())?;
    write_text(to, name)?;
    write_text(to, content_type)?;
    to.write_all(bytes)
}

/// Writes [`Frame::Failed`]; a long message is cut.
pub(crate) fn write_failed(to: &mut impl Write, reason: &str, message: &str) -> io::Result<()> {
    let message = &message[..message.floor_char_boundary(1000)];
    write_head(to, FAILED, 1 + reason.len() + message.len())?;
    write_text(to, reason)?;
    to.write_all(message.as_bytes())
}

/// Writes [`Frame::Done`].
pub(crate) fn write_done(to: &mut impl Write) -> io::Result<()> {
    write_head(to, DONE, 0)
}

fn write_head(to: &mut impl Write, kind: u8, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(|_| garbage("frame is too long"))?;
    let [a, b, c, d] = length.to_le_bytes();
    to.write_all(&[kind, a, b, c, d])
}

fn write_text(to: &mut impl Write, text: &str) -> io::Result<()> {
    let length = u8::try_from(text.len()).map_err(|_| garbage("text is too long"))?;
    to.write_all(&[length])?;
    to.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(mut bytes: &[u8]) -> io::Result<Vec<Frame>> {
        let mut frames = Vec::new();
        while let Some(frame) = read(&mut bytes).await? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let mut pipe = Vec::new();
        write_progress(&mut pipe, 150).unwrap();
        write_object(&mut pipe, "flac/init.mp4", "audio/mp4", b"moov").unwrap();
        write_failed(&mut pipe, "NOT_AUDIO", &"ä".repeat(1000)).unwrap();
        write_done(&mut pipe).unwrap();
        let read = frames(&pipe).await.unwrap();
        let object = Frame::Object {
            name: "flac/init.mp4".into(),
            content_type: "audio/mp4".into(),
            bytes: Bytes::from_static(b"moov"),
        };
        assert_eq!(read[..2], [Frame::Progress(150), object]);
        assert_eq!(read[2], Frame::Failed { reason: "NOT_AUDIO".into(), message: "ä".repeat(500) });
        assert_eq!(read[3], Frame::Done);
    }

    #[tokio::test]
    async fn garbage_is_an_error_and_allocates_next_to_nothing() {
        for bad in [
            &[9, 0, 0, 0, 0][..],
            &[FAILED, 0xff, 0xff, 0xff, 0xff],
            &[OBJECT, 0xff, 0xff, 0xff, 0xff, 1, b'a', 1, b'b'],
            &[OBJECT, 1, 0, 0, 0, 1, b'a', 1, b'b'],
            &[OBJECT, 0xff, 0xff, 0xff, 1, 1, b'a', 1, b'b', 0, 0],
            &[PROGRESS, 1, 0, 0, 0, 0],
            &[PROGRESS, 4],
            &[FAILED, 2, 0, 0, 0, 9, b'x'],
            &[FAILED, 2, 0, 0, 0, 1, 0xff],
            b"garbage of a shell script\n",
        ] {
            assert!(frames(bad).await.is_err(), "{bad:?}");
        }
    }
}
