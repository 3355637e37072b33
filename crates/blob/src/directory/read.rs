//! Reading: small ranges in one go, larger ones in chunks, always off the runtime.

use super::{
    Directory, Inner,
    error::EngineError,
    readers::Reader,
    stored::{Content, Part, Stored},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use segue_domain::ObjectName;
use segue_ports::blob::{BlobError, ByteStream};
use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, path::PathBuf};
use tokio::task::spawn_blocking;

/// Bytes that one trip to the disk brings at most.
const CHUNK: u64 = 256 * 1024;

/// An opened object's bytes.
pub(crate) struct Fetched {
    pub(crate) stored: Stored,
    pub(crate) range: Range<u64>,
    pub(crate) body: Fetch,
}

/// How the bytes come.
pub(crate) enum Fetch {
    /// All are here.
    Whole(Bytes),
    /// In chunks.
    Stream(ByteStream),
}

impl Fetch {
    pub(crate) fn into_stream(self) -> ByteStream {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => stream::empty().boxed(),
            Self::Whole(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Self::Stream(stream) => stream,
        }
    }
}

impl Directory {
    /// The properties of the object.
    pub(crate) async fn stat(&self, object: &ObjectName) -> Result<Option<Stored>, EngineError> {
        let name = object.clone();
        self.blocking(move |inner| Ok(Stored::open(&inner.layout.object(&name)?)?.map(|(_, stored)| stored)))
            .await
    }

    /// Opens the object and reads the range that `choose` picks when it sees the properties. Whatever is committed
    /// afterwards, the bytes are those of the object that `choose` saw.
    pub(crate) async fn fetch<E: From<EngineError> + Send + 'static>(
        &self,
        object: &ObjectName,
        choose: impl FnOnce(&Stored) -> Result<Range<u64>, E> + Send + 'static,
    ) -> Result<Fetched, E> {
        let name = object.clone();
        self.blocking(move |inner| {
            let (mut cursor, stored) = inner.cursor(&name)?;
            let range = choose(&stored)?;
            cursor.next = range.start;
            cursor.end = range.end;
            let body = if range.end - range.start <= CHUNK {
                let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
                while cursor.next < cursor.end {
                    bytes.extend_from_slice(&cursor.read().map_err(EngineError::from)?);
                }
                Fetch::Whole(bytes.into())
            } else {
                Fetch::Stream(cursor.into_stream())
            };
            Ok(Fetched { stored, range, body })
        })
        .await
    }
}

impl Inner {
    fn cursor(&self, object: &ObjectName) -> Result<(Cursor, Stored), EngineError> {
        let path = self.layout.object(object)?;
        let reader = self.readers.enter(object);
        let (file, stored) = Stored::open(&path)?.ok_or(EngineError::NotFound)?;
        let source = match &stored.content {
            Content::Inline => Source::File(file),
            Content::Parts { version, parts } => Source::Parts {
                folder: self.layout.version(*version),
                parts: parts.clone(),
                index: 0,
                start: 0,
                open: None,
                _reader: reader,
            },
        };
        Ok((Cursor { source, next: 0, end: 0 }, stored))
    }
}

/// A place in an object's bytes.
struct Cursor {
    source: Source,
    next: u64,
    end: u64,
}

enum Source {
    File(File),
    Parts {
        folder: PathBuf,
        parts: Vec<Part>,
        /// The part at hand, and where in the object it begins.
        index: usize,
        start: u64,
        open: Option<File>,
        /// Keeps the parts on the disk.
        _reader: Reader,
    },
}

impl Cursor {
    /// The next bytes, at most [`CHUNK`]. Only ever goes forward.
    fn read(&mut self) -> io::Result<Bytes> {
        let wanted = (self.end - self.next).min(CHUNK);
        let bytes = match &mut self.source {
            Source::File(file) => read_at(file, self.next, wanted)?,
            Source::Parts { folder, parts, index, start, open, .. } => {
                let part = loop {
                    let part = parts.get(*index).ok_or(io::ErrorKind::UnexpectedEof)?;
                    if self.next < *start + part.size {
                        break part;
                    }
                    *start += part.size;
                    *index += 1;
                    *open = None;
                };
                let file = match open {
                    Some(file) => file,
                    None => open.insert(File::open(folder.join(index.to_string()))?),
                };
                let offset = self.next - *start;
                read_at(file, offset, wanted.min(part.size - offset))?
            }
        };
        self.next += bytes.len() as u64;
        Ok(bytes)
    }

    fn into_stream(self) -> ByteStream {
        stream::try_unfold(self, |mut cursor| async move {
            if cursor.next >= cursor.end {
                return Ok(None);
            }
            let read = spawn_blocking(move || cursor.read().map(|bytes| (bytes, cursor))).await;
            read.map_err(BlobError::unavailable)?.map(Some).map_err(BlobError::unavailable)
        })
        .boxed()
    }
}

fn read_at(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes.into())
}
