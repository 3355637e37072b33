//! Taking away what was written, and only that.

use super::Folder;
use crate::{
    ClientError,
    download::{Form, KeptFile, Record, disk},
    hash::file_error,
};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// What became of a song's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files that are gone.
    pub deleted: usize,
    /// Files that were changed since they were written, or are not ours; they stay.
    pub left: Vec<PathBuf>,
}

impl Folder {
    /// Takes a song away and forgets it. Files whose bytes are not those that were written stay.
    pub fn remove(&self, record: &Record) -> Result<Removed, ClientError> {
        let removed = match record.form {
            Form::Hls => self.delete(&self.path(record), &record.files)?,
            Form::Single => self.delete(self.root(), &record.files)?,
        };
        let work = self.work(&record.song_id);
        gone(fs::remove_dir_all(&work)).map_err(|e| file_error(&work, e))?;
        let path = self.record_path(&record.song_id, record.form);
        gone(fs::remove_file(&path)).map_err(|e| file_error(&path, e))?;
        self.release(record);
        Ok(removed)
    }

    /// Deletes files below `folder` that are as they were written, then folders that are empty.
    pub(crate) fn delete(&self, folder: &Path, files: &[KeptFile]) -> Result<Removed, ClientError> {
        let mut removed = Removed::default();
        let mut folders = BTreeSet::new();
        // What was opened may be a link; what lies below it may not.
        let is_ours = |path: &Path| path == self.root() || is_folder(path);
        if !is_ours(folder) {
            return Ok(removed);
        }
        for name in files.iter().map(|file| file.name.as_str()).collect::<BTreeSet<_>>() {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            if parent != folder {
                folders.insert(parent.to_owned());
            }
            // A link in the place of a folder leads to somebody else's files.
            if !is_ours(parent) {
                continue;
            }
            // Half of a file that was being written is ours, whatever it holds.
            let _ = fs::remove_file(disk::temporary(&path));
            match disk::measure(&path)? {
                Some(found) if is_one_of(files, name, found) => {
                    fs::remove_file(&path).map_err(|e| file_error(&path, e))?;
                    removed.deleted += 1;
                }
                Some(_) => removed.left.push(path),
                None => {}
            }
        }
        // Fails for those that are not empty, as it should.
        let all_empty =
            folders.iter().filter(|path| fs::remove_dir(path).is_err() && path.exists()).count() == 0;
        if folder != self.root() && (!all_empty || fs::remove_dir(folder).is_err()) && removed.left.is_empty()
        {
            removed.left.push(folder.to_owned());
        }
        Ok(removed)
    }
}

/// Whether a file of this size and hash was written under this name.
pub(crate) fn is_one_of(files: &[KeptFile], name: &str, (size, sha256): (u64, [u8; 32])) -> bool {
    let sha256 = hex::encode(sha256);
    files.iter().any(|file| file.name == name && file.size == size && file.sha256 == sha256)
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// What is gone already is fine.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
