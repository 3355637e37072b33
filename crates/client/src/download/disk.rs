//! Files: judged by their bytes, written all at once.

use crate::{ClientError, hash::file_error};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The size and SHA-256 of a regular file; none when there is no file. Symbolic links are not followed.
pub(crate) fn measure(path: &Path) -> Result<Option<(u64, [u8; 32])>, ClientError> {
    if size(path)?.is_none() {
        return Ok(None);
    }
    let fail = |e| file_error(path, e);
    let mut file = File::open(path).map_err(fail)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some((size, hash.finalize().into()))),
            Ok(read) => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(fail(e)),
        }
    }
}

/// Whether the file is there with this size and hash. A file of another size is not read.
pub(crate) fn holds(path: &Path, wanted: u64, sha256: &[u8; 32]) -> Result<bool, ClientError> {
    if size(path)? != Some(wanted) {
        return Ok(false);
    }
    Ok(measure(path)?.is_some_and(|(_, found)| found == *sha256))
}

/// The size of a regular file; none when there is none.
fn size(path: &Path) -> Result<Option<u64>, ClientError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
        Ok(_) => Ok(None),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(file_error(path, e)),
    }
}

/// Writes a file so that its name always stands for whole content. `durable` says whether it must outlive a power cut:
/// what is checked against its hash before it is used again need not.
pub(crate) fn write(path: &Path, bytes: &[u8], durable: bool) -> Result<(), ClientError> {
    let temporary = temporary(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    written.map_err(|e| {
        // A disk that is full gets the space back.
        let _ = fs::remove_file(&temporary);
        file_error(path, e)
    })
}

/// A file that comes in parts, hashed on the way. It has no name before [`Incoming::keep`]; dropped before, it is gone.
pub(crate) struct Incoming {
    file: File,
    temporary: Option<PathBuf>,
    path: PathBuf,
    hash: Sha256,
    size: u64,
}

impl Incoming {
    pub(crate) fn create(path: PathBuf) -> Result<Self, ClientError> {
        let temporary = temporary(&path);
        let file = File::create(&temporary).map_err(|e| file_error(&path, e))?;
        Ok(Self { file, temporary: Some(temporary), path, hash: Sha256::new(), size: 0 })
    }

    pub(crate) fn push(&mut self, parts: &[Bytes]) -> Result<(), ClientError> {
        for part in parts {
            self.hash.update(part);
            self.file.write_all(part).map_err(|e| file_error(&self.path, e))?;
            self.size += part.len() as u64;
        }
        Ok(())
    }

    /// Gives the file its name if it has this size and hash; tells whether it has. It need not outlive a power cut.
    pub(crate) fn keep(mut self, size: u64, sha256: &[u8; 32]) -> Result<bool, ClientError> {
        if self.size != size || self.hash.finalize_reset()[..] != sha256[..] {
            return Ok(false);
        }
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path).map_err(|e| file_error(&self.path, e))?;
        }
        self.temporary = None;
        Ok(true)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // A disk that is full gets the space back.
        let _ = self.temporary.take().map(fs::remove_file);
    }
}

/// Writes a small file all at once and for good.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    write(path, bytes, true)
}

/// Where a file is written before it gets its name.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), ClientError> {
    fs::create_dir_all(path).map_err(|e| file_error(path, e))
}

/// Runs work that blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ClientError::Other(e.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_in_parts_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let sha256: [u8; 32] = Sha256::digest(b"hello").into();
        let incoming = |parts: &[&'static [u8]]| {
            let mut incoming = Incoming::create(path.clone()).unwrap();
            let parts: Vec<Bytes> = parts.iter().map(|part| Bytes::from_static(part)).collect();
            incoming.push(&parts).unwrap();
            incoming
        };
        assert!(!incoming(&[b"hel"]).keep(5, &sha256).unwrap(), "too short");
        assert!(!incoming(&[b"hel", b"l0"]).keep(5, &sha256).unwrap(), "another");
        drop(incoming(&[b"hel", b"lo"]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
        assert!(incoming(&[b"hel", b"lo"]).keep(5, &sha256).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"hello");
        assert!(!temporary(&path).exists());
    }

    #[test]
    fn a_file_is_judged_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let sha256: [u8; 32] = Sha256::digest(b"hello").into();
        assert!(!holds(&path, 5, &sha256).unwrap(), "it is not there");
        write(&path, b"hello", true).unwrap();
        assert!(holds(&path, 5, &sha256).unwrap());
        write(&path, b"hallo", false).unwrap();
        assert!(!holds(&path, 5, &sha256).unwrap());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(!holds(&path, 5, &sha256).unwrap(), "a folder is no file");
        assert!(write(&path, b"hello", false).is_err());
        assert!(!temporary(&path).exists(), "nothing is left of a failed write");
    }
}
