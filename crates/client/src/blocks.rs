//! Blocks of a file to a signed URL: Azure's Put Block, in parallel.

use crate::{ClientError, hash::file_error, upload::Uploading};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use segue_proto::song::v1::UploadGrant;
use std::{fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

/// How many blocks are on their way at once, and so how many are in memory.
const PARALLEL: usize = 4;

/// Id of block `index`: base64 of its number in eight decimal digits, so that all ids have one length.
pub(crate) fn block_id(index: u32) -> String {
    STANDARD.encode(format!("{index:08}"))
}

/// Sends `missing` blocks. Fails with the first block that patience could not get through.
pub(crate) async fn send(
    up: &Uploading<'_>,
    grant: &UploadGrant,
    missing: Vec<u32>,
) -> Result<(), ClientError> {
    let file = Arc::new(File::open(&up.file.path).map_err(|e| file_error(&up.file.path, e))?);
    stream::iter(missing)
        .map(|index| {
            let file = Arc::clone(&file);
            async move {
                let offset = u64::from(index) * grant.block_size;
                let size = grant.block_size.min(up.file.size.saturating_sub(offset));
                let bytes = read(file, &up.file.path, offset, size).await?;
                let md5 = STANDARD.encode(Md5::digest(&bytes));
                up.patience.retry(|| put(up, index, bytes.clone(), &md5)).await?;
                up.sent(size);
                Ok(())
            }
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

async fn put(up: &Uploading<'_>, index: u32, bytes: Bytes, md5: &str) -> Result<(), ClientError> {
    let url = up.url.lock().await.clone();
    let target =
        format!("{url}&comp=block&blockid={}", utf8_percent_encode(&block_id(index), NON_ALPHANUMERIC));
    let sent = up
        .client
        .http()
        .put(&target)
        .header("content-md5", md5)
        .header("x-ms-version", "2022-11-02")
        .body(bytes)
        .send();
    let answer = match sent.await {
        Ok(answer) => answer,
        // The URL carries a signature: an error must not print it.
        Err(e) => {
            let cause = e.without_url().to_string();
            return Err(ClientError::Unreachable { url: "the blob store".into(), cause });
        }
    };
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return Ok(());
    }
    let message: String = answer.text().await.unwrap_or_default().chars().take(300).collect();
    if status == 403 {
        // The URL has expired, most likely: a new one for the same upload, once per URL.
        up.renew(&url).await?;
    }
    Err(ClientError::BlobRefused { block: index, status: if status == 403 { 503 } else { status }, message })
}

async fn read(file: Arc<File>, path: &Path, offset: u64, size: u64) -> Result<Bytes, ClientError> {
    let path = path.to_owned();
    let task = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, offset).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => ClientError::FileChanged(path.display().to_string()),
            _ => file_error(&path, e),
        })?;
        Ok(Bytes::from(bytes))
    });
    task.await.map_err(|e| ClientError::Other(e.to_string()))?
}
