//! One fill: a body that grows while any number of readers follow it, each at its own pace.

use crate::{
    cache::memory::{Budget, Object, Share},
    error::FillError,
    lock::lock,
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::HeaderValue;
use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// How much of a file one reader takes at a time, bytes.
const READ: u64 = 64 << 10;

/// What is known of an object before its body.
#[derive(Debug)]
pub(crate) struct Head {
    /// Bytes.
    pub(crate) size: u64,
    /// Strong, quoted.
    pub(crate) etag: HeaderValue,
    /// The ETag of the compressed form.
    pub(crate) gzip_etag: HeaderValue,
    /// Whether the body comes from the origin, not from our disk.
    pub(crate) fetched: bool,
}

/// The shared state of a fill. Readers wait for [`Progress`] and then take bytes out of [`Parts`]; a slow reader
/// holds up neither the fill nor another reader.
#[derive(Debug)]
pub(crate) struct Fill {
    progress: watch::Sender<Progress>,
    parts: Mutex<Parts>,
    readers: AtomicUsize,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    head: Option<Arc<Head>>,
    len: u64,
    end: Option<Result<(), FillError>>,
}

/// Where the bytes are: the first `in_file` in a file, the rest in memory.
#[derive(Debug, Default)]
struct Parts {
    file: Option<Arc<File>>,
    in_file: u64,
    chunks: Vec<(u64, Bytes)>,
    /// The whole body, when it fits in memory.
    object: Option<Arc<Object>>,
    /// The memory that the chunks may take.
    share: Option<Share>,
}

/// A reader's hold on a fill. A fill that nobody holds may stop early.
#[derive(Debug)]
pub(crate) struct Reader(Arc<Fill>);

impl Fill {
    pub(crate) fn new() -> Self {
        Self {
            progress: watch::Sender::new(Progress::default()),
            parts: Mutex::new(Parts::default()),
            readers: AtomicUsize::new(0),
        }
    }

    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.readers.fetch_add(1, Ordering::SeqCst);
        Reader(self.clone())
    }

    pub(crate) fn readers(&self) -> usize {
        self.readers.load(Ordering::SeqCst)
    }

    /// Tells the readers what is coming.
    pub(crate) fn begin(&self, head: Arc<Head>, share: Option<Share>) {
        lock(&self.parts).share = share;
        self.progress.send_modify(|p| p.head = Some(head));
    }

    /// Appends bytes that are in memory.
    pub(crate) fn push(&self, bytes: Bytes) {
        let len = self.progress.borrow().len;
        let end = len + bytes.len() as u64;
        lock(&self.parts).chunks.push((len, bytes));
        self.progress.send_modify(|p| p.len = end);
    }

    /// The first `len` bytes are in the file.
    pub(crate) fn spooled(&self, file: &Arc<File>, len: u64) {
        let mut parts = lock(&self.parts);
        parts.file.get_or_insert_with(|| file.clone());
        parts.in_file = len;
        drop(parts);
        self.progress.send_modify(|p| p.len = len);
    }

    /// Everything is there, in memory. Makes one piece of the chunks, which holds the share of memory they had.
    pub(crate) fn whole(&self) -> Option<Arc<Object>> {
        let head = self.progress.borrow().head.clone()?;
        let (chunks, share) = {
            let mut parts = lock(&self.parts);
            (parts.chunks.clone(), parts.share.take()?)
        };
        let mut body = Vec::with_capacity(usize::try_from(head.size).ok()?);
        chunks.iter().for_each(|(_, bytes)| body.extend_from_slice(bytes));
        Some(self.complete(head, share.hold(body)))
    }

    /// Everything is there at once: a body that was read from disk.
    pub(crate) fn complete(&self, head: Arc<Head>, body: Bytes) -> Arc<Object> {
        let object = Arc::new(Object::new(head.clone(), body.clone()));
        let mut parts = lock(&self.parts);
        parts.chunks = vec![(0, body)];
        parts.object = Some(object.clone());
        drop(parts);
        self.progress.send_modify(|p| {
            p.len = head.size;
            p.head = Some(head);
        });
        object
    }

    /// The fill is over. Only the first call counts.
    pub(crate) fn end(&self, result: Result<(), FillError>) {
        self.progress.send_if_modified(|p| {
            let first = p.end.is_none();
            p.end.get_or_insert(result);
            first
        });
    }
}

impl Reader {
    /// The head, once it is known.
    pub(crate) async fn head(&self) -> Result<Arc<Head>, FillError> {
        let mut progress = self.0.progress.subscribe();
        let known = |p: &Progress| p.head.is_some() || p.end.is_some();
        let progress = progress.wait_for(known).await.map_err(|_| FillError::Unavailable)?;
        match (&progress.head, &progress.end) {
            (Some(head), _) => Ok(head.clone()),
            (None, Some(Err(error))) => Err(*error),
            (None, _) => Err(FillError::Unavailable),
        }
    }

    /// Waits for the end of the fill. The whole object, if it is in memory.
    pub(crate) async fn finished(&self) -> Result<Option<Arc<Object>>, FillError> {
        let mut progress = self.0.progress.subscribe();
        let progress = progress.wait_for(|p| p.end.is_some()).await.map_err(|_| FillError::Unavailable)?;
        progress.end.unwrap_or(Err(FillError::Unavailable))?;
        Ok(self.object())
    }

    /// The whole object, if it is there and in memory.
    pub(crate) fn object(&self) -> Option<Arc<Object>> {
        lock(&self.0.parts).object.clone()
    }

    /// The bytes in `range` as they come. An error when the fill fails before they are all there. Reads from a file
    /// take their memory out of `budget`, and fail when there is none for `patience`.
    pub(crate) fn stream(
        self,
        range: Range<u64>,
        budget: Budget,
        patience: Duration,
    ) -> impl Stream<Item = Result<Bytes, FillError>> + Send + 'static {
        let progress = self.0.progress.subscribe();
        stream::try_unfold((self, progress, range.start), move |(reader, mut progress, at)| {
            let budget = budget.clone();
            async move {
                if at >= range.end {
                    return Ok(None);
                }
                let seen = progress.wait_for(|p| p.len > at || p.end.is_some()).await;
                let len = match seen.map_err(|_| FillError::Unavailable)? {
                    p if p.len > at => p.len,
                    p => return Err(p.end.and_then(Result::err).unwrap_or(FillError::Unavailable)),
                };
                let bytes = reader.read(at..len.min(range.end), &budget, patience).await?;
                let next = at + bytes.len() as u64;
                Ok(Some((bytes, (reader, progress, next))))
            }
        })
    }

    /// Some bytes from the beginning of `range`, all of which is there.
    async fn read(&self, range: Range<u64>, budget: &Budget, patience: Duration) -> Result<Bytes, FillError> {
        let (file, end) = {
            let parts = lock(&self.0.parts);
            match &parts.file {
                Some(file) if range.start < parts.in_file => (file.clone(), range.end.min(parts.in_file)),
                _ => {
                    let after = parts.chunks.partition_point(|(begin, _)| *begin <= range.start);
                    let (begin, bytes) =
                        after.checked_sub(1).map(|i| &parts.chunks[i]).ok_or(FillError::Unavailable)?;
                    let last = bytes.len().min((range.end - begin) as usize);
                    return Ok(bytes.slice((range.start - begin) as usize..last));
                }
            }
        };
        let wanted = (end - range.start).min(READ) as u32;
        let share = tokio::time::timeout(patience, budget.take(wanted)).await.map_err(|_| FillError::Busy)?;
        let read = move || {
            let mut bytes = vec![0; wanted as usize];
            file.read_exact_at(&mut bytes, range.start).map(|()| bytes)
        };
        let bytes = tokio::task::spawn_blocking(read).await.map_err(|_| FillError::Unavailable)?;
        let bytes = bytes.map_err(|error| {
            tracing::warn!(%error, "cached file cannot be read");
            FillError::Unavailable
        })?;
        Ok(share.map_or_else(Bytes::new, |s| s.hold(bytes)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Head {
    /// A head for an object whose store says this ETag. Ours is strong and survives a header; anything else that a
    /// store may say is replaced by one of its letters and digits.
    pub(crate) fn new(etag: &str, size: u64, fetched: bool) -> Self {
        let inner: String = etag
            .bytes()
            .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            .take(100)
            .map(char::from)
            .collect();
        let header = |text: String| {
            HeaderValue::try_from(text).expect("letters, digits and quotes are a header value")
        };
        let (etag, gzip_etag) = (header(format!("\"{inner}\"")), header(format!("\"{inner}-gz\"")));
        Self { size, etag, gzip_etag, fetched }
    }

    /// The ETag as text.
    pub(crate) fn etag(&self) -> &str {
        self.etag.to_str().unwrap_or_default()
    }
}
