//! A blob store in memory that remembers in which order things were stored, and can be away.

use bytes::Bytes;
use futures::StreamExt;
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{Access, BlobError, BlobStore, BlockList, Condition, Download, Listing, Properties};
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

#[derive(Debug, Default)]
pub(crate) struct MemoryBlob {
    objects: Mutex<BTreeMap<String, (Properties, Bytes)>>,
    /// Every object that was ever stored by `put`, in order.
    pub(crate) stored: Mutex<Vec<String>>,
    pub(crate) away: AtomicBool,
    /// Calls that failed because it was away.
    pub(crate) refused: AtomicUsize,
}

impl MemoryBlob {
    /// Stores bytes as a client would; the ETag.
    pub(crate) fn upload(&self, object: &ObjectName, bytes: &[u8]) -> String {
        let mut objects = self.objects.lock().unwrap();
        let etag = format!("\"{}\"", segue_domain::EventId::new());
        let properties = Properties {
            etag: etag.clone(),
            size: bytes.len() as u64,
            content_type: "application/octet-stream".into(),
            modified: Timestamp(0),
        };
        objects.insert(object.to_string(), (properties, Bytes::copy_from_slice(bytes)));
        etag
    }

    /// Names below `prefix`.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        self.objects.lock().unwrap().keys().filter(|n| n.starts_with(prefix)).cloned().collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Bytes {
        self.objects.lock().unwrap().get(name).unwrap_or_else(|| panic!("no {name}")).1.clone()
    }

    fn here(&self) -> Result<(), BlobError> {
        match self.away.load(Ordering::SeqCst) {
            false => Ok(()),
            true => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                Err(BlobError::unavailable("away"))
            }
        }
    }
}

#[async_trait::async_trait]
impl BlobStore for MemoryBlob {
    async fn sign(&self, _: &ObjectName, _: Access, _: Timestamp, _: &str) -> Result<String, BlobError> {
        Err(BlobError::unavailable("not of this store"))
    }
    async fn block_list(&self, _: &ObjectName) -> Result<BlockList, BlobError> {
        Err(BlobError::unavailable("not of this store"))
    }
    async fn commit(
        &self,
        _: &ObjectName,
        _: &[String],
        _: &str,
        _: Condition,
    ) -> Result<Properties, BlobError> {
        Err(BlobError::unavailable("not of this store"))
    }
    async fn put(
        &self,
        object: &ObjectName,
        content_type: &str,
        bytes: Bytes,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        self.here()?;
        // Puts that are on their way together overtake each other.
        tokio::time::sleep(std::time::Duration::from_micros(bytes.len() as u64 % 700)).await;
        let mut objects = self.objects.lock().unwrap();
        if condition == Condition::IfAbsent && objects.contains_key(object.as_str()) {
            return Err(BlobError::Exists(object.clone()));
        }
        let properties = Properties {
            etag: "\"1\"".into(),
            size: bytes.len() as u64,
            content_type: content_type.into(),
            modified: Timestamp(0),
        };
        objects.insert(object.to_string(), (properties.clone(), bytes));
        self.stored.lock().unwrap().push(object.to_string());
        Ok(properties)
    }
    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError> {
        self.here()?;
        let objects = self.objects.lock().unwrap();
        objects.get(object.as_str()).map(|o| o.0.clone()).ok_or_else(|| BlobError::NotFound(object.clone()))
    }
    async fn get(
        &self,
        object: &ObjectName,
        _: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Download, BlobError> {
        self.here()?;
        let objects = self.objects.lock().unwrap();
        let (properties, bytes) =
            objects.get(object.as_str()).ok_or_else(|| BlobError::NotFound(object.clone()))?;
        if if_match.is_some_and(|etag| etag != properties.etag) {
            return Err(BlobError::Changed(object.clone()));
        }
        let pieces: Vec<_> = bytes.chunks(64 << 10).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        let body = futures::stream::iter(pieces).boxed();
        Ok(Download { properties: properties.clone(), range: 0..properties.size, body })
    }
    async fn delete(&self, object: &ObjectName) -> Result<(), BlobError> {
        self.here()?;
        self.objects.lock().unwrap().remove(object.as_str());
        Ok(())
    }
    async fn list(&self, prefix: &str, _: Option<&str>) -> Result<Listing, BlobError> {
        let objects = self.names(prefix).into_iter().map(|n| n.parse().unwrap()).collect();
        Ok(Listing { objects, next: None })
    }
}
