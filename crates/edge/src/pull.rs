//! The work of a fill: from our disk, else from the origin, resumed where it broke off; then into the caches.

use crate::{
    cache::{
        disk::{Loaded, Spool, Stored},
        memory::Object,
    },
    error::FillError,
    fill::{Fill, Head},
    node::Node,
    path::Key,
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use segue_domain::ObjectName;
use segue_ports::blob::{BlobError, ByteStream, Download};
use std::{io, sync::Arc, time::Duration};
use tokio::{task::spawn_blocking, time::timeout};

/// How much is gathered for one write to a file, if it is there already.
const BATCH: u64 = 128 << 10;

/// Runs the fill to its end, which its readers always hear of.
pub(crate) async fn run(node: Arc<Node>, key: Key, fill: Arc<Fill>) {
    let work = Work { node, key, object: key.object(), fill };
    if work.read_disk().await {
        return;
    }
    let limit = Duration::from_millis(work.node.config.fill_timeout_ms);
    let pulled = timeout(limit, work.ask_origin()).await.unwrap_or_else(|_| {
        tracing::warn!(object = %work.object, "fill took too long");
        Err(FillError::Unavailable)
    });
    match pulled {
        Ok(body) => work.keep(body).await,
        Err(error) => {
            if error == FillError::NotFound {
                work.node.remember_absent(key);
            } else {
                work.node.meter.fill_failures.increment(1);
            }
            work.node.remove(&key, &work.fill);
            work.fill.end(Err(error));
        }
    }
}

struct Work {
    node: Arc<Node>,
    key: Key,
    object: ObjectName,
    fill: Arc<Fill>,
}

/// A body on its way from the origin.
struct Body {
    head: Arc<Head>,
    /// The origin's own ETag, for If-Match.
    etag: String,
    /// Bytes that arrived.
    len: u64,
    /// The file they go to, if not to memory.
    spool: Option<Spool>,
}

/// Why an attempt ended.
enum Broken {
    /// For this reason; another attempt may go on from here.
    Again(String),
    /// It would not help.
    For(FillError),
}

impl Work {
    /// Serves the fill from our disk, if the object is there and undamaged.
    async fn read_disk(&self) -> bool {
        let (node, key) = (self.node.clone(), self.key);
        if !node.disk.contains(&key) {
            return false;
        }
        let load = move || {
            let mut share = None;
            let whole = |size| {
                let small = size <= node.config.memory_object_bytes;
                share = if small { node.bodies.try_take(size) } else { None };
                share.is_some()
            };
            let loaded = node.disk.load(&key, whole);
            (loaded, share)
        };
        let (loaded, share) = match spawn_blocking(load).await {
            Ok((Ok(Some(loaded)), share)) => (loaded, share),
            Ok((Err(error), _)) => {
                self.node.meter.corrupt.increment(1);
                tracing::warn!(%error, object = %self.object, "cached file is unusable, fetching the object again");
                return false;
            }
            Ok((Ok(None), _)) | Err(_) => return false,
        };
        self.node.meter.disk_loads.increment(1);
        match (loaded, share) {
            (Loaded::Body(trailer, body), Some(share)) => {
                let head = Arc::new(Head::new(&trailer.etag, trailer.size, false));
                let object = self.fill.complete(head, share.hold(body));
                self.node.memory.insert(self.key, object);
            }
            (Loaded::Body(trailer, body), None) => {
                self.fill.complete(Arc::new(Head::new(&trailer.etag, trailer.size, false)), body.into());
            }
            (Loaded::File(trailer, file), _) => {
                self.fill.begin(Arc::new(Head::new(&trailer.etag, trailer.size, false)), None);
                self.fill.spooled(&Arc::new(file), trailer.size);
            }
        }
        self.fill.end(Ok(()));
        true
    }

    /// Fetches the object from the origin, in several attempts if need be.
    async fn ask_origin(&self) -> Result<Body, FillError> {
        let _turn = match self.node.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => {
                let turn = self.node.turns.acquire().await.map_err(|_| FillError::Busy)?;
                if self.node.give_up(&self.key, &self.fill) {
                    return Err(FillError::GivenUp);
                }
                turn
            }
        };
        self.node.meter.fills.increment(1);
        let mut body = None;
        let mut attempt = 1;
        loop {
            match self.attempt(&mut body).await {
                Ok(()) => {}
                Err(Broken::For(error)) => return Err(error),
                Err(Broken::Again(why)) if attempt >= self.node.config.fill_attempts => {
                    tracing::warn!(error = why, attempt, object = %self.object, "origin failed, giving the fill up");
                    return Err(FillError::Unavailable);
                }
                Err(Broken::Again(why)) => {
                    tracing::debug!(error = why, attempt, object = %self.object, "origin failed, asking again");
                    self.node.meter.fill_retries.increment(1);
                    let pause = rand::random_range(20..60) << attempt.min(5);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    attempt += 1;
                    continue;
                }
            }
            if let Some(body) = body {
                return Ok(body);
            }
        }
    }

    /// One request to the origin: for the whole object, or for what is still missing of this very one.
    async fn attempt(&self, body: &mut Option<Body>) -> Result<(), Broken> {
        let config = &self.node.config;
        let (range, etag) = match body {
            Some(b) => (Some(b.len..b.head.size), Some(b.etag.as_str())),
            None => (None, None),
        };
        let request = self.node.blob.get(&self.object, range, etag);
        let first_byte = Duration::from_millis(config.first_byte_timeout_ms);
        let download = match timeout(first_byte, request).await {
            Ok(Ok(download)) => download,
            Ok(Err(BlobError::NotFound(_))) if body.is_none() => {
                return Err(Broken::For(FillError::NotFound));
            }
            Ok(Err(error @ BlobError::Unavailable(_))) => return Err(Broken::Again(error.to_string())),
            Ok(Err(error)) => {
                tracing::warn!(%error, object = %self.object, "origin refuses the object");
                return Err(Broken::For(FillError::Unfit));
            }
            Err(_) => return Err(Broken::Again("no answer in time".into())),
        };
        let Download { properties, range, body: stream } = download;
        let body = match body {
            Some(b)
                if properties.etag != b.etag || properties.size != b.head.size || range.start != b.len =>
            {
                tracing::warn!(object = %self.object, "object changed while it was read");
                return Err(Broken::For(FillError::Unfit));
            }
            Some(b) => b,
            None => body.insert(self.begin(properties.size, properties.etag).await?),
        };
        self.receive(body, stream).await
    }

    /// Chooses where the body goes, and tells the readers what is coming.
    async fn begin(&self, size: u64, etag: String) -> Result<Body, Broken> {
        let config = &self.node.config;
        if size > config.max_object_bytes {
            tracing::warn!(object = %self.object, size, "object is larger than this edge serves");
            return Err(Broken::For(FillError::Unfit));
        }
        let small = size <= config.memory_object_bytes;
        let share = if small { self.node.bodies.try_take(size) } else { None };
        let mut spool = None;
        if share.is_none() {
            let disk = self.node.disk.clone();
            spool = spawn_blocking(move || disk.spool()).await.ok().flatten();
            if spool.is_none() && !small {
                return Err(Broken::For(FillError::Busy));
            }
        }
        let head = Arc::new(Head::new(&etag, size, true));
        self.fill.begin(head.clone(), share);
        Ok(Body { head, etag, len: 0, spool })
    }

    /// Takes in what the origin sends.
    async fn receive(&self, body: &mut Body, mut stream: ByteStream) -> Result<(), Broken> {
        let config = &self.node.config;
        let idle = Duration::from_millis(config.idle_timeout_ms);
        while body.len < body.head.size {
            let mut next = match timeout(idle, stream.next()).await {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(error))) => return Err(Broken::Again(error.to_string())),
                Ok(None) => return Err(Broken::Again(format!("body ended early at {}", body.len))),
                Err(_) => return Err(Broken::Again(format!("body stalled at {}", body.len))),
            };
            let missing = body.head.size - body.len;
            let mut batch = Vec::new();
            let mut gathered = 0;
            loop {
                gathered += next.len() as u64;
                batch.push(next);
                if body.spool.is_none() || gathered >= BATCH.min(missing) {
                    break;
                }
                // An end or an error that shows up here shows up again in the next round: `next` on a stream that
                // ended gives nothing, and an error leaves the body short.
                match stream.next().now_or_never() {
                    Some(Some(Ok(bytes))) => next = bytes,
                    _ => break,
                }
            }
            if gathered > missing {
                tracing::warn!(object = %self.object, "origin sent more than it said");
                return Err(Broken::For(FillError::Unfit));
            }
            self.node.meter.origin_bytes.increment(gathered);
            self.take_in(body, batch).await?;
            if missing - gathered > config.abandoned_bytes
                && self.fill.readers() == 0
                && self.node.give_up(&self.key, &self.fill)
            {
                return Err(Broken::For(FillError::GivenUp));
            }
        }
        Ok(())
    }

    /// Hands bytes to the readers, by way of the file if there is one. If the disk fails, memory takes the rest.
    async fn take_in(&self, body: &mut Body, mut batch: Vec<Bytes>) -> Result<(), Broken> {
        let len = body.len + batch.iter().map(|b| b.len() as u64).sum::<u64>();
        if let Some(mut spool) = body.spool.take() {
            let disk = self.node.disk.clone();
            let write = move || {
                let done: io::Result<()> = batch.iter().try_for_each(|bytes| disk.append(&mut spool, bytes));
                (done, spool, batch)
            };
            let written = spawn_blocking(write).await;
            let (done, spool, unwritten) = written.map_err(|_| Broken::For(FillError::Unavailable))?;
            if done.is_ok() {
                self.fill.spooled(&spool.file, len);
                body.spool = Some(spool);
                body.len = len;
                return Ok(());
            }
            batch = unwritten;
        }
        batch.into_iter().for_each(|bytes| self.fill.push(bytes));
        body.len = len;
        Ok(())
    }

    /// Ends the fill, then stores the object if the disk cache lets it in.
    async fn keep(&self, body: Body) {
        let (node, key) = (self.node.clone(), self.key);
        let object = self.fill.whole();
        if let Some(object) = &object {
            node.memory.insert(key, object.clone());
        }
        self.fill.end(Ok(()));
        let store = move || match (object, body.spool) {
            (_, Some(spool)) => Some(node.disk.keep(&key, body.head.etag(), spool)),
            (Some(object), None) => Some(store(&node, &key, &object)),
            (None, None) => None,
        };
        let stored = spawn_blocking(store).await.ok().flatten();
        match stored {
            Some(Stored::Yes { evicted }) => self.node.meter.evicted.increment(evicted as u64),
            Some(Stored::Refused) => self.node.meter.refused.increment(1),
            Some(Stored::Failed) | None => {}
        }
        self.node.meter.disk_used.set(self.node.disk.used() as f64);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Also when the runtime stops or something panics: no reader waits for what will not come.
        self.node.remove(&self.key, &self.fill);
        self.fill.end(Err(FillError::Unavailable));
    }
}

fn store(node: &Node, key: &Key, object: &Object) -> Stored {
    node.disk.store(key, object.head.etag(), &object.body)
}
