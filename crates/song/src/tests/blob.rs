//! A blob store in memory.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use segue_domain::{ObjectName, Timestamp};
use segue_ports::blob::{
    Access, BlobError, BlobStore, Block, BlockList, Condition, Download, Listing, Properties,
};
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

#[derive(Debug, Default)]
pub(super) struct FakeBlob {
    state: Mutex<State>,
    pub(super) away: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<String, BTreeMap<String, u64>>,
    objects: BTreeMap<String, (Properties, Bytes)>,
    commits: u64,
}

impl FakeBlob {
    fn state(&self) -> Result<MutexGuard<'_, State>, BlobError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(BlobError::unavailable("unplugged")),
            false => Ok(self.state.lock().unwrap()),
        }
    }

    /// What a client's Put Block does; only the size matters.
    pub(super) fn put_block(&self, object: &ObjectName, id: &str, size: u64) {
        let mut state = self.state.lock().unwrap();
        state.blocks.entry(object.to_string()).or_default().insert(id.to_owned(), size);
    }

    /// What a foreign SDK's Put Blob does, or its own block list.
    pub(super) fn put_foreign(&self, object: &ObjectName, size: u64) -> String {
        let mut state = self.state.lock().unwrap();
        state.store(object, size, Bytes::new()).etag
    }

    pub(super) fn names(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut names: Vec<_> = state.objects.keys().chain(state.blocks.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}

impl State {
    fn store(&mut self, object: &ObjectName, size: u64, bytes: Bytes) -> Properties {
        self.commits += 1;
        let etag = format!("\"{}\"", self.commits);
        let properties = Properties { etag, size, content_type: String::new(), modified: Timestamp(0) };
        self.blocks.remove(object.as_str());
        self.objects.insert(object.to_string(), (properties.clone(), bytes));
        properties
    }
}

#[async_trait]
impl BlobStore for FakeBlob {
    async fn sign(
        &self,
        object: &ObjectName,
        _: Access,
        expires: Timestamp,
        origin: &str,
    ) -> Result<String, BlobError> {
        Ok(format!("{origin}/blob/{object}?se={}", expires.seconds()))
    }

    async fn block_list(&self, object: &ObjectName) -> Result<BlockList, BlobError> {
        let state = self.state()?;
        let blocks = state.blocks.get(object.as_str()).into_iter().flatten();
        Ok(BlockList {
            uncommitted: blocks.map(|(id, size)| Block { id: id.clone(), size: *size }).collect(),
            committed: state.objects.get(object.as_str()).map(|(p, _)| p.clone()),
        })
    }

    async fn commit(
        &self,
        object: &ObjectName,
        ids: &[String],
        _: &str,
        condition: Condition,
    ) -> Result<Properties, BlobError> {
        let mut state = self.state()?;
        if condition == Condition::IfAbsent && state.objects.contains_key(object.as_str()) {
            return Err(BlobError::Exists(object.clone()));
        }
        let blocks = state.blocks.get(object.as_str()).ok_or(BlobError::InvalidBlockList)?;
        let size = |id| blocks.get(id).copied().ok_or(BlobError::InvalidBlockList);
        let size = ids.iter().map(size).sum::<Result<u64, _>>()?;
        Ok(state.store(object, size, Bytes::new()))
    }

    async fn put(
        &self,
        object: &ObjectName,
        _: &str,
        bytes: Bytes,
        _: Condition,
    ) -> Result<Properties, BlobError> {
        Ok(self.state()?.store(object, bytes.len() as u64, bytes))
    }

    async fn head(&self, object: &ObjectName) -> Result<Properties, BlobError> {
        let state = self.state()?;
        state
            .objects
            .get(object.as_str())
            .map(|(p, _)| p.clone())
            .ok_or_else(|| BlobError::NotFound(object.clone()))
    }

    async fn get(
        &self,
        object: &ObjectName,
        _: Option<Range<u64>>,
        _: Option<&str>,
    ) -> Result<Download, BlobError> {
        let state = self.state()?;
        let found = state.objects.get(object.as_str()).cloned();
        let (properties, bytes) = found.ok_or_else(|| BlobError::NotFound(object.clone()))?;
        let range = 0..properties.size;
        Ok(Download { properties, range, body: stream::iter([Ok(bytes)]).boxed() })
    }

    async fn delete(&self, object: &ObjectName) -> Result<(), BlobError> {
        let mut state = self.state()?;
        state.blocks.remove(object.as_str());
        state.objects.remove(object.as_str());
        Ok(())
    }

    /// Pages of two, so that paging is tested.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError> {
        drop(self.state()?);
        let names = self
            .names()
            .into_iter()
            .filter(|n| n.starts_with(prefix) && after.is_none_or(|a| n.as_str() > a));
        let names: Vec<String> = names.take(3).collect();
        let next = (names.len() == 3).then(|| names[1].clone());
        Ok(Listing { objects: names.into_iter().take(2).map(|n| n.parse().unwrap()).collect(), next })
    }
}
