//! Where things lie in the directory, and making folders that survive a power cut.
//!
//! ```text
//! lock                      held by the one process that has the directory open
//! objects/<folders>/<name>~ a committed object: its bytes or the list of its parts, and its properties
//! staging/<folders>/<name>~/<block id in hex>   blocks that no commit has taken
//! versions/<xx>/<uuid>/<n>  the parts of an object made of blocks
//! pending/<uuid>            what a commit or a removal has begun
//! tmp/                      files that are being written or removed; emptied at open
//! ```
//!
//! `~` is not in the grammar of names, so an object `a` and a folder `a` do not meet.

use super::error::EngineError;
use segue_domain::ObjectName;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The longest segment of a name, in bytes: file names end at 255, and ours have a suffix.
const MAX_SEGMENT: usize = 200;

/// The mark behind the last segment of an object's name.
pub(super) const MARK: char = '~';

/// Paths below the root.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the top folders.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let layout = Self { root: root.to_owned() };
        for folder in [layout.objects(), layout.staging(), layout.versions(), layout.pending(), layout.tmp()]
        {
            create_folders(&folder)?;
        }
        Ok(layout)
    }
    pub(super) fn lock(root: &Path) -> PathBuf {
        root.join("lock")
    }
    pub(super) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }
    fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }
    pub(super) fn pending(&self) -> PathBuf {
        self.root.join("pending")
    }
    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
    pub(super) fn object(&self, name: &ObjectName) -> Result<PathBuf, EngineError> {
        marked(self.objects(), name)
    }
    pub(super) fn blocks(&self, name: &ObjectName) -> Result<PathBuf, EngineError> {
        marked(self.staging(), name)
    }
    pub(super) fn version(&self, version: Uuid) -> PathBuf {
        let text = version.simple().to_string();
        self.versions().join(&text[..2]).join(&text)
    }
    pub(super) fn intent(&self, id: Uuid) -> PathBuf {
        self.pending().join(id.simple().to_string())
    }

    /// Takes a file or folder out of sight at once. What it returns is removed later, at the latest at open.
    pub(super) fn put_aside(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let aside = self.tmp().join(Uuid::new_v4().simple().to_string());
        match fs::rename(path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the folder and its parents as long as they are empty; stops below `top`.
    pub(super) fn prune(&self, folder: &Path, top: &Path) {
        let mut folder = folder;
        while folder.starts_with(top) && folder != top && fs::remove_dir(folder).is_ok() {
            let Some(parent) = folder.parent() else { break };
            folder = parent;
        }
    }
}

fn marked(mut path: PathBuf, name: &ObjectName) -> Result<PathBuf, EngineError> {
    if name.as_str().split('/').any(|segment| segment.len() > MAX_SEGMENT) {
        return Err(EngineError::NameTooLong);
    }
    path.push(format!("{name}{MARK}"));
    Ok(path)
}

/// Makes the folder and its parents, each of them durable in its own parent.
pub(super) fn create_folders(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
                return Err(error);
            };
            create_folders(parent)?;
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => sync_folder(parent),
            }
        }
        Err(error) => Err(error),
    }
}

/// Moves a file into a folder that is made when needed. Another object's removal may prune that folder in between.
pub(super) fn move_into(from: &Path, folder: &Path, to: &Path) -> io::Result<()> {
    let mut attempts = 0;
    loop {
        let result = create_folders(folder).and_then(|()| fs::rename(from, to));
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 16 => attempts += 1,
            result => return result,
        }
    }
}

/// Makes the folder's entries durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Removes a file or folder that is out of sight already; what fails is tried again at the next open.
pub(super) fn remove(path: &Path) {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    if let Err(error) = result
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "cannot remove a leftover file");
    }
}
