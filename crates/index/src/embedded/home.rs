//! The folder of the index: which of its folders answers, and whether that can be trusted.
//!
//! ```text
//! lock           held by the process that has it open
//! current.json   which folder answers, of which schema, and whether a rebuild has filled it
//! unsynced       there while something was applied that is not synced; holds the boot id of the machine
//! index-<n>/     tantivy's files
//! damaged/       the last one that could not be opened
//! ```

use super::{shard::Shard, unsynced::sync_folder};
use crate::entry::SCHEMA;
use segue_ports::index::IndexError;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

const CURRENT: &str = "current.json";
const MARK: &str = "unsynced";
const PREFIX: &str = "index-";

/// What `current.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Current {
    /// Number of the schema that the folder was made by.
    schema: u32,
    /// Its name.
    folder: String,
    /// It was filled by a rebuild, and has lost nothing since.
    filled: bool,
}

/// The folder, opened.
#[derive(Debug)]
pub(super) struct Home {
    root: PathBuf,
    current: Current,
    marked: bool,
    _lock: File,
}

impl Home {
    /// Opens the folder and the index in it that answers; `None` while another process has it. What cannot be
    /// read is moved aside, and an empty index takes its place.
    pub(super) fn open(root: &Path) -> Result<Option<(Self, Shard)>, IndexError> {
        fs::create_dir_all(root).map_err(IndexError::unavailable)?;
        let lock = File::options().create(true).truncate(false).write(true).open(root.join("lock"));
        let lock = lock.map_err(IndexError::unavailable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(IndexError::unavailable(e)),
        }
        let boot = fs::read_to_string(root.join(MARK));
        // A machine that does not tell its boots apart is taken to have been off.
        let whole = boot.as_deref().map_or(true, |boot| !boot.is_empty() && boot == boot_id());
        let mut home = Self {
            root: root.to_owned(),
            current: Current { schema: SCHEMA, folder: String::new(), filled: false },
            marked: boot.is_ok(),
            _lock: lock,
        };
        let live = match home
            .read_current()
            .map(|current| (Shard::open(&root.join(&current.folder)), current))
        {
            Some((Ok(live), current)) => {
                home.current = current;
                live
            }
            Some((Err(error), current)) => {
                let why = if current.schema == SCHEMA { "is damaged" } else { "was made by another version" };
                tracing::warn!(%error, folder = %current.folder, "index {why}: moved aside, to be rebuilt");
                let _ = fs::remove_dir_all(root.join("damaged"));
                fs::rename(root.join(&current.folder), root.join("damaged"))
                    .map_err(IndexError::unavailable)?;
                home.begin()?
            }
            None => home.begin()?,
        };
        if !whole && home.current.filled {
            tracing::warn!("the machine went down while the index was written: to be rebuilt");
            home.current.filled = false;
            home.write_current()?;
        }
        home.sweep(&home.current.folder);
        Ok(Some((home, live)))
    }

    /// True when the index that answers holds what it should.
    pub(super) fn filled(&self) -> bool {
        self.current.filled && self.current.schema == SCHEMA
    }

    /// An empty index that answers.
    fn begin(&mut self) -> Result<Shard, IndexError> {
        let live = self.beside()?;
        self.current = Current { schema: SCHEMA, folder: name_of(&live), filled: false };
        self.write_current()?;
        Ok(live)
    }

    /// An empty index beside the one that answers. Others are cleared away.
    pub(super) fn beside(&self) -> Result<Shard, IndexError> {
        self.sweep(&self.current.folder);
        let number = self.current.folder.strip_prefix(PREFIX).and_then(|number| number.parse::<u64>().ok());
        Shard::create(self.root.join(format!("{PREFIX}{}", number.unwrap_or(0) + 1)))
    }

    /// Lets `new`, which must be synced, answer from now on, and removes the one that did.
    pub(super) fn replace(&mut self, new: &Shard) -> Result<(), IndexError> {
        self.current = Current { schema: SCHEMA, folder: name_of(new), filled: true };
        self.write_current()?;
        self.sweep(&self.current.folder);
        self.unmark()
    }

    /// Says that something is applied and not synced. Cheap when it has been said.
    pub(super) fn mark(&mut self) -> Result<(), IndexError> {
        if !self.marked {
            write_synced(&self.root.join(MARK), boot_id().as_bytes()).map_err(IndexError::unavailable)?;
            self.marked = true;
        }
        Ok(())
    }

    /// Says that everything is synced.
    pub(super) fn unmark(&mut self) -> Result<(), IndexError> {
        match fs::remove_file(self.root.join(MARK)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(IndexError::unavailable(e));
            }
            _ => {}
        }
        self.marked = false;
        Ok(())
    }

    fn read_current(&self) -> Option<Current> {
        let current: Current = serde_json::from_slice(&fs::read(self.root.join(CURRENT)).ok()?).ok()?;
        current.folder.starts_with(PREFIX).then_some(current)
    }

    fn write_current(&self) -> Result<(), IndexError> {
        let json = serde_json::to_vec(&self.current).map_err(IndexError::unavailable)?;
        write_synced(&self.root.join(CURRENT), &json).map_err(IndexError::unavailable)
    }

    /// Removes the folders of dead rebuilds: all but `keep`.
    fn sweep(&self, keep: &str) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX)
                && name != keep
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                tracing::warn!(%error, folder = %name, "an old index stays");
            }
        }
    }
}

fn name_of(shard: &Shard) -> String {
    shard.folder().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Differs after each start of the machine; empty where there is no such thing.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Puts a file in place at once and durably.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}
