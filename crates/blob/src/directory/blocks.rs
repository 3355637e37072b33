//! Uncommitted blocks: which there are, and adding one. Callers hold the object's lock.

use super::{
    error::EngineError,
    layout::{Layout, move_into},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use segue_domain::ObjectName;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempPath;

/// Azure's limit on the blocks of an object.
pub(crate) const MAX_BLOCKS: usize = 50_000;

/// How many times its limit an object's uncommitted blocks may fill. Most of Azure's SDKs make new block ids at every
/// attempt, so what a broken attempt left must not stand in the way of the next one; a commit is held to the limit.
const ATTEMPTS: u64 = 3;

/// How many blocks are remembered over all objects; beyond, sizes are read from the directory again.
const REMEMBERED: usize = 200_000;

/// A block id, decoded: 1 to 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockId(Vec<u8>);

impl BlockId {
    /// From base64; `None` for anything that Azure refuses.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        (1..=64).contains(&bytes.len()).then_some(Self(bytes))
    }
    /// As the client gave it: the decoder takes one spelling only.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
    pub(super) fn file_name(&self) -> String {
        hex::encode(&self.0)
    }
}

/// The uncommitted blocks of one object.
#[derive(Debug, Default, Clone)]
pub(super) struct Blocks {
    pub(super) sizes: BTreeMap<BlockId, u64>,
    total: u64,
}

impl Blocks {
    fn insert(&mut self, id: BlockId, size: u64) {
        self.total += size;
        self.total -= self.sizes.insert(id, size).unwrap_or(0);
    }
}

/// The uncommitted blocks of all objects; the directory is the truth, this saves reading it for every block.
#[derive(Debug)]
pub(super) struct BlockTable {
    layout: Layout,
    known: Mutex<HashMap<ObjectName, Blocks>>,
}

impl BlockTable {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, known: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectName, Blocks>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blocks of an object.
    pub(super) fn of(&self, object: &ObjectName) -> Result<Blocks, EngineError> {
        if let Some(blocks) = self.lock().get(object) {
            return Ok(blocks.clone());
        }
        self.load(object)
    }

    fn load(&self, object: &ObjectName) -> Result<Blocks, EngineError> {
        let mut blocks = Blocks::default();
        let entries = match fs::read_dir(self.layout.blocks(object)?) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(blocks),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            let id = entry.file_name().to_str().and_then(|name| hex::decode(name).ok());
            if let Some(id) = id {
                blocks.insert(BlockId(id), entry.metadata()?.len());
            }
        }
        Ok(blocks)
    }

    /// Forgets what is remembered of an object, because its blocks have gone.
    pub(super) fn forget(&self, object: &ObjectName) {
        self.lock().remove(object);
    }

    /// Whether a block of `size` bytes may come to those that are there, of an object of at most `limit` bytes.
    pub(super) fn check(
        &self,
        object: &ObjectName,
        id: &BlockId,
        size: u64,
        limit: u64,
    ) -> Result<(), EngineError> {
        let check = |blocks: &Blocks| {
            let replaced = blocks.sizes.get(id);
            if blocks.sizes.keys().next().is_some_and(|other| other.0.len() != id.0.len()) {
                return Err(EngineError::BlockIdLength);
            }
            if replaced.is_none() && blocks.sizes.len() >= MAX_BLOCKS {
                return Err(EngineError::TooManyBlocks);
            }
            let others = blocks.total - replaced.copied().unwrap_or(0);
            if size > limit || others.saturating_add(size) > limit.saturating_mul(ATTEMPTS) {
                return Err(EngineError::TooLarge(limit));
            }
            Ok(())
        };
        if let Some(blocks) = self.lock().get(object) {
            return check(blocks);
        }
        let blocks = self.load(object)?;
        let result = check(&blocks);
        let mut known = self.lock();
        if known.values().map(|blocks| blocks.sizes.len() + 1).sum::<usize>() + blocks.sizes.len()
            > REMEMBERED
        {
            known.clear();
        }
        known.insert(object.clone(), blocks);
        result
    }

    /// Moves a written block to its place and returns the folder, which the caller makes durable.
    pub(super) fn add(
        &self,
        object: &ObjectName,
        id: BlockId,
        file: TempPath,
        size: u64,
        limit: u64,
    ) -> Result<File, EngineError> {
        self.check(object, &id, size, limit)?;
        let folder = self.layout.blocks(object)?;
        move_into(&file, &folder, &folder.join(id.file_name()))?;
        // It has another name now; there is nothing left to remove.
        let _ = file.keep();
        if let Some(blocks) = self.lock().get_mut(object) {
            blocks.insert(id, size);
        }
        Ok(File::open(folder)?)
    }
}
