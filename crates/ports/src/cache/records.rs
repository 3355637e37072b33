//! A region with types.

use super::{Cache, LoadError, Loaded, Origin, Region, Source, Value};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    any::Any,
    collections::HashMap,
    fmt::{self, Debug},
    marker::PhantomData,
    sync::Arc,
};

/// A thing that can be cached.
pub trait Record: Debug + Send + Sync + Sized + 'static {
    /// See [`Origin::kind`].
    const KIND: &'static str;

    /// Its id.
    fn id(&self) -> String;
    /// Its version.
    fn version(&self) -> u64;
    /// For other processes; `None` when it cannot be encoded, and then it stays in this one.
    fn encode(&self) -> Option<Bytes>;
    /// The opposite; `None` for anything else.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Reads records from where they are kept.
#[async_trait]
pub trait Rows<T>: Debug + Send + Sync + 'static {
    /// Those of the ids that are there.
    async fn rows(&self, ids: &[String], from: Source) -> Result<Vec<T>, LoadError>;
}

/// The cached records of one kind. Cheap to clone.
pub struct Records<T> {
    region: Arc<dyn Region>,
    of: PhantomData<fn() -> T>,
}

impl<T: Record> Records<T> {
    /// Opens the region of these records.
    pub fn new(cache: &dyn Cache, rows: impl Rows<T>) -> Self {
        let origin = Arc::new(Typed { rows, of: PhantomData });
        Self { region: cache.region(origin), of: PhantomData }
    }

    /// As [`Region::get`].
    ///
    /// # Errors
    /// As [`Region::get`].
    pub async fn get(&self, id: &str, at_least: u64) -> Result<Option<Arc<T>>, LoadError> {
        Ok(self.region.get(id, at_least).await?.and_then(typed))
    }

    /// As [`Region::get_many`].
    ///
    /// # Errors
    /// As [`Region::get_many`].
    pub async fn get_many(&self, ids: &[String]) -> Result<HashMap<String, Arc<T>>, LoadError> {
        let values = self.region.get_many(ids).await?;
        Ok(values.into_iter().filter_map(|(id, value)| Some((id, typed(value)?))).collect())
    }

    /// As [`Region::invalidate`].
    pub async fn invalidate(&self, id: &str, version: u64) {
        self.region.invalidate(id, version).await;
    }

    /// What is beneath, to be told of changes.
    pub fn region(&self) -> &Arc<dyn Region> {
        &self.region
    }
}

impl<T> Clone for Records<T> {
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), of: PhantomData }
    }
}

impl<T> Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.region.fmt(f)
    }
}

struct Typed<T, R> {
    rows: R,
    of: PhantomData<fn() -> T>,
}

impl<T, R: Debug> Debug for Typed<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.fmt(f)
    }
}

#[async_trait]
impl<T: Record, R: Rows<T>> Origin for Typed<T, R> {
    fn kind(&self) -> &'static str {
        T::KIND
    }

    async fn load(&self, ids: &[String], from: Source) -> Result<HashMap<String, Loaded>, LoadError> {
        let loaded = |record: T| {
            let (id, version, bytes) = (record.id(), record.version(), record.encode().unwrap_or_default());
            (id, Loaded { version, value: Arc::new(record), bytes })
        };
        Ok(self.rows.rows(ids, from).await?.into_iter().map(loaded).collect())
    }

    fn decode(&self, bytes: &[u8]) -> Option<Value> {
        // Nothing stands for a record that could not be encoded.
        let record = Some(bytes).filter(|bytes| !bytes.is_empty()).and_then(T::decode)?;
        Some(Arc::new(record) as Arc<dyn Any + Send + Sync>)
    }
}

/// A region holds what its own origin made and nothing else, so the type is the right one.
fn typed<T: Record>(value: Value) -> Option<Arc<T>> {
    value.downcast().ok()
}
