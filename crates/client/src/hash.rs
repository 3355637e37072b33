//! What a file is: its size and SHA-256.

use crate::ClientError;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A file's content at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileIdentity {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// When it was last written.
    pub modified: Option<SystemTime>,
}

impl FileIdentity {
    /// An error unless the file still has the size and time that it was hashed with.
    pub(crate) fn check_unchanged(&self) -> Result<(), ClientError> {
        let meta = std::fs::metadata(&self.path).map_err(|e| file_error(&self.path, e))?;
        if meta.len() == self.size && meta.modified().ok() == self.modified {
            return Ok(());
        }
        Err(ClientError::FileChanged(self.path.display().to_string()))
    }
}

/// Reads a file once and hashes it. `progress` gets the bytes read so far.
pub async fn identify(
    path: &Path,
    progress: impl Fn(u64) + Send + 'static,
) -> Result<FileIdentity, ClientError> {
    let path = path.to_owned();
    let task = tokio::task::spawn_blocking(move || {
        let fail = |e| file_error(&path, e);
        let mut file = File::open(&path).map_err(fail)?;
        let modified = file.metadata().map_err(fail)?.modified().ok();
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let n = file.read(&mut buffer).map_err(fail)?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
            size += n as u64;
            progress(size);
        }
        Ok(FileIdentity { size, sha256: hex::encode(hash.finalize()), modified, path: path.clone() })
    });
    task.await.map_err(|e| ClientError::Other(e.to_string()))?
}

pub(crate) fn file_error(path: &Path, source: std::io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), cause: source }
}
