//! An origin in memory that counts its requests and fails on command.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{Access, BlobError, BlobStore, BlockList, Condition, Download, Listing, Properties};
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

/// Bytes of one piece of a body.
pub(crate) const PIECE: usize = 10_000;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It is refused.
    Down,
    /// It is never answered.
    Silent,
    /// The body breaks off with an error after so many bytes.
    Reset(usize),
    /// The body ends after so many bytes as if it were whole.
    Short(usize),
    /// The body stops after so many bytes and never goes on.
    Stall(usize),
    /// The body has more bytes than it should.
    Long,
    /// The object was replaced since the last request.
    Replaced,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) object: String,
    pub(crate) range: Option<Range<u64>>,
    pub(crate) if_match: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Origin {
    objects: Mutex<HashMap<String, Bytes>>,
    asked: Mutex<Vec<Asked>>,
    faults: Mutex<VecDeque<Fault>>,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Origin {
    pub(crate) fn put_object(&self, name: &ObjectName, bytes: impl Into<Bytes>) {
        self.objects.lock().unwrap().insert(name.to_string(), bytes.into());
    }
    /// What was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
    pub(crate) fn gets(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
    /// The next requests fail like this, in turn.
    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults);
    }
    /// From now on each piece of a body needs a permit.
    pub(crate) fn gate(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().unwrap() = Some(gate.clone());
        gate
    }
}

#[async_trait]
impl BlobStore for Origin {
    async fn get(
        &self,
        object: &ObjectName,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        self.asked.lock().unwrap().push(Asked {
            object: object.to_string(),
            range: range.clone(),
            if_match: if_match.map(str::to_owned),
        });
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(Fault::Down) => return Err(BlobError::unavailable("down")),
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Replaced) => return Err(BlobError::Changed(object.clone())),
            _ => {}
        }
        let whole = self.objects.lock().unwrap().get(object.as_str()).cloned();
        let whole = whole.ok_or_else(|| BlobError::NotFound(object.clone()))?;
        let range = range.unwrap_or(0..whole.len() as u64);
        let properties = Properties {
            etag: "\"0x8D\"".into(),
            size: whole.len() as u64,
            content_type: "application/octet-stream".into(),
            modified: Timestamp(0),
        };
        if if_match.is_some_and(|tag| tag != properties.etag) {
            return Err(BlobError::Changed(object.clone()));
        }
        let part = whole.slice(range.start as usize..range.end as usize);
        let cut = match fault {
            Some(Fault::Reset(at) | Fault::Short(at) | Fault::Stall(at)) => at,
            _ => part.len(),
        };
        let pieces: Vec<Bytes> = part[..cut].chunks(PIECE).map(Bytes::copy_from_slice).collect();
        let gate = self.gate.lock().unwrap().clone();
        let pieces = stream::iter(pieces).then(move |piece| {
            let gate = gate.clone();
            async move {
                if let Some(gate) = gate {
                    gate.acquire().await.unwrap().forget();
                }
                Ok(piece)
            }
        });
        let body = match fault {
            Some(Fault::Reset(_)) => {
                pieces.chain(stream::iter([Err(BlobError::unavailable("reset"))])).boxed()
            }
            Some(Fault::Stall(_)) => pieces.chain(stream::pending()).boxed(),
            Some(Fault::Long) => pieces.chain(stream::iter([Ok(Bytes::from_static(b"more"))])).boxed(),
            _ => pieces.boxed(),
        };
        Ok(Download { properties, range, body })
    }

    async fn sign(&self, _: &ObjectName, _: Access, _: Timestamp, _: &str) -> Result<String, BlobError> {
        Err(never())
    }
    async fn block_list(&self, _: &ObjectName) -> Result<BlockList, BlobError> {
        Err(never())
    }
    async fn commit(
        &self,
        _: &ObjectName,
        _: &[String],
        _: &str,
        _: Condition,
    ) -> Result<Properties, BlobError> {
        Err(never())
    }
    async fn put(&self, _: &ObjectName, _: &str, _: Bytes, _: Condition) -> Result<Properties, BlobError> {
        Err(never())
    }
    async fn head(&self, _: &ObjectName) -> Result<Properties, BlobError> {
        Err(never())
    }
    async fn delete(&self, _: &ObjectName) -> Result<(), BlobError> {
        Err(never())
    }
    async fn list(&self, _: &str, _: Option<&str>) -> Result<Listing, BlobError> {
        Err(never())
    }
}

fn never() -> BlobError {
    BlobError::unavailable("an edge only reads")
}
