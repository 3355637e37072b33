//! The original as a local file: fetched once, hashed on the way, never longer than declared.

use super::{Job, stop::Stop};
use crate::encoding::Failure;
use bytes::Bytes;
use futures::StreamExt;
use segue_domain::FailureReason;
use segue_ports::blob::{BlobError, BlobStore};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Pieces that may wait for the disk.
const QUEUE: usize = 4;

/// Fetches the original into a file without a name: whatever happens to this process, the disk gets it back.
#[tracing::instrument(name = "blob.get", skip_all, fields(object = %job.object, otel.kind = "client"))]
pub(super) async fn spool(blob: &dyn BlobStore, job: &Job, folder: &Path) -> Result<File, Stop> {
    let mut download = match blob.get(&job.object, None, Some(&job.etag)).await {
        Ok(download) => download,
        Err(BlobError::Changed(_) | BlobError::NotFound(_)) => return Err(changed()),
        // An object without bytes has no range.
        Err(BlobError::OutOfRange(_)) => return Err(mismatch()),
        Err(error) => return Err(error.into()),
    };
    if download.properties.size != job.size {
        return Err(mismatch());
    }
    let (pieces, receiver) = mpsc::channel(QUEUE);
    let folder = folder.to_owned();
    let writer = spawn_blocking(move || write(folder, receiver));
    let mut received = 0_u64;
    let fetched = loop {
        match download.body.next().await {
            None => break Ok(()),
            Some(Err(BlobError::Changed(_) | BlobError::NotFound(_))) => break Err(changed()),
            Some(Err(error)) => break Err(error.into()),
            Some(Ok(piece)) => {
                received += piece.len() as u64;
                if received > job.size {
                    break Err(mismatch());
                }
                // A writer that is gone has failed; it says why below.
                if pieces.send(piece).await.is_err() {
                    break Ok(());
                }
            }
        }
    };
    drop(pieces);
    let written = writer.await;
    fetched?;
    let (file, hash) = match written {
        Ok(Ok(written)) => written,
        // A full disk is emptied by other jobs that end, a broken one by an operator: no fault of this job.
        Ok(Err(error)) => return Err(Stop::Away(format!("cannot spool: {error}"))),
        Err(panicked) => return Err(Stop::Died(panicked.to_string())),
    };
    if received < job.size {
        return Err(Stop::Away(format!("blob store sent {received} of {} bytes", job.size)));
    }
    if hash != job.sha256 {
        return Err(mismatch());
    }
    Ok(file)
}

fn write(folder: PathBuf, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<(File, [u8; 32])> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        hash.update(&piece);
        file.write_all(&piece)?;
    }
    Ok((file, hash.finalize().into()))
}

fn changed() -> Stop {
    Stop::Failed(Failure::new(
        FailureReason::SourceChanged,
        "the uploaded file was overwritten or removed before it was encoded; upload it again",
    ))
}

fn mismatch() -> Stop {
    Stop::Failed(Failure::new(
        FailureReason::ChecksumMismatch,
        "the uploaded bytes are not those that were declared (size or SHA-256 differ); upload the file again",
    ))
}
