//! The embedded engine: objects in a directory of one process.

mod blocks;
mod conditions;
mod error;
mod intent;
mod layout;
mod list;
mod port;
mod read;
mod readers;
mod stored;
mod write;

pub(crate) use blocks::{BlockId, MAX_BLOCKS};
pub(crate) use conditions::{Conditions, ReadCheck, Tags};
pub(crate) use error::EngineError;
pub(crate) use read::Fetch;
pub(crate) use stored::{Part, Stored};
pub(crate) use write::{BlockRef, BlockSource, NewObject};

use crate::{SecretKey, sas::Signer};
use blocks::BlockTable;
use layout::Layout;
use readers::ReaderTable;
use rustix::fs::{FlockOperation, flock};
use segue_domain::{Clock, ObjectName, Timestamp};
use segue_ports::blob::BlobError;
use std::{
    fmt,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io,
    path::PathBuf,
    sync::Arc,
};
use tempfile::NamedTempFile;
use tokio::{sync::Mutex, task::spawn_blocking};

/// Called with the name of a step when it is done: "blob-block-fsynced" and "blob-put-done" before the answer,
/// "blob-blocks-linked" before a commit's rename and "blob-list-committed" behind it. Tests kill the process there.
pub type CrashPoint = fn(&'static str);

/// How many locks all objects share.
const LOCKS: usize = 256;

/// What a [`Directory`] is made of.
#[derive(Debug, Clone)]
pub struct DirectoryConfig {
    /// The folder; made when it is not there.
    pub path: PathBuf,
    /// First segment of the URL path: 3 to 63 of `a-z`, `0-9`, `-`.
    pub account: String,
    /// Second segment of the URL path, in the same form.
    pub container: String,
    /// Signs URLs. Another key makes all URLs that are out invalid.
    pub key: SecretKey,
    /// The largest object in bytes, for SAS that carry no limit of their own and for writes by the port.
    pub max_object_bytes: u64,
    /// For tests.
    pub crash: CrashPoint,
}

impl DirectoryConfig {
    /// Objects of at most 4 GiB in the container `songs` of the account `segue`.
    pub fn new(path: impl Into<PathBuf>, key: SecretKey) -> Self {
        Self {
            path: path.into(),
            account: "segue".to_owned(),
            container: "songs".to_owned(),
            key,
            max_object_bytes: 4 << 30,
            crash: |_| {},
        }
    }
}

/// Objects in a directory; cheap to clone. See [`Directory::open`].
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

pub(crate) struct Inner {
    layout: Layout,
    blocks: BlockTable,
    readers: Arc<ReaderTable>,
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    signer: Signer,
    max_object_bytes: u64,
    crash: CrashPoint,
    /// Freed by the kernel when the process ends, however it ends.
    _lock: File,
}

impl Directory {
    /// Opens the folder, and removes what a crash has left over. One process can have it open at a time.
    ///
    /// Must be called on a tokio runtime, as every other method.
    pub async fn open(config: DirectoryConfig, clock: Arc<dyn Clock>) -> Result<Self, BlobError> {
        for (what, name) in [("account", &config.account), ("container", &config.container)] {
            let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if !(3..=63).contains(&name.len()) || !name.bytes().all(good) {
                return Err(BlobError::unavailable(format!(
                    "the {what} of the blob store must be 3 to 63 of a-z, 0-9 and '-', and is {name:?}"
                )));
            }
        }
        let opened = spawn_blocking(move || Inner::open(config, clock)).await;
        let inner = opened.map_err(BlobError::unavailable)?.map_err(BlobError::unavailable)?;
        Ok(Self(Arc::new(inner)))
    }

    /// Azure's Blob REST calls below `/{account}/{container}/`, with CORS for every origin: the SAS in the URL is
    /// the credential, and there are no cookies.
    pub fn router(&self) -> axum::Router {
        crate::rest::router(self.clone())
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
    pub(crate) fn max_object_bytes(&self) -> u64 {
        self.0.max_object_bytes
    }

    /// A file to write to, which vanishes unless it becomes a block or an object.
    pub(crate) async fn new_file(&self) -> Result<NamedTempFile, EngineError> {
        self.blocking(|inner| inner.new_file()).await
    }

    /// Runs `work` where it may block.
    async fn blocking<T, E>(&self, work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        match spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(error) => Err(EngineError::from(io::Error::other(error)).into()),
        }
    }

    /// Runs `work` where it may block, alone on this object. Once begun it ends, even if the caller goes away.
    async fn alone<T: Send + 'static>(
        &self,
        object: &ObjectName,
        work: impl FnOnce(&Inner) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let lock = self.0.hasher.hash_one(object) as usize % LOCKS;
        let guard = Arc::clone(&self.0.locks[lock]).lock_owned().await;
        self.blocking(move |inner| {
            let _guard = guard;
            work(inner)
        })
        .await
    }
}

impl Inner {
    fn open(config: DirectoryConfig, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let layout = Layout::create(&config.path)?;
        let lock = File::create(Layout::lock(&config.path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            let path = config.path.display();
            io::Error::other(format!("{path} is in use by another process, or cannot be locked: {error}"))
        })?;
        sweep(&layout)?;
        Ok(Self {
            blocks: BlockTable::new(layout.clone()),
            readers: Arc::new(ReaderTable::new(layout.clone())),
            layout,
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
            clock,
            signer: Signer { account: config.account, container: config.container, key: config.key },
            max_object_bytes: config.max_object_bytes,
            crash: config.crash,
            _lock: lock,
        })
    }

    fn new_file(&self) -> Result<NamedTempFile, EngineError> {
        Ok(NamedTempFile::new_in(self.layout.tmp())?)
    }
}

/// Settles what was begun and removes what was being written. Costs as much as was under way, however many objects
/// there are.
fn sweep(layout: &Layout) -> Result<(), EngineError> {
    for entry in fs::read_dir(layout.pending())? {
        let entry = entry?;
        match entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            Some(id) => intent::Intent::settle(layout, id)?,
            None => layout::remove(&entry.path()),
        }
    }
    for entry in fs::read_dir(layout.tmp())? {
        layout::remove(&entry?.path());
    }
    Ok(())
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("layout", &self.0.layout).finish_non_exhaustive()
    }
}
