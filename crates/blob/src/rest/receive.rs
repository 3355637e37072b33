//! Taking a body: to a file, never whole in memory, with its checksums.

use super::{
    answer::{Failure, Refusal},
    request::{Call, parse_md5},
};
use crate::{
    crc64::Crc64,
    directory::{Directory, EngineError},
};
use axum::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use std::{
    io::{self, Write},
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::{task::spawn_blocking, time::timeout};

/// Bytes in memory before they go to the disk.
const BATCH: usize = 256 * 1024;

/// A client that sends nothing for this long is gone.
const STALL: Duration = Duration::from_secs(60);

/// Running checksums, those that the client gave a value for.
#[derive(Default)]
pub(super) struct Checks {
    md5: Option<(Md5, [u8; 16])>,
    blob_md5: Option<(Md5, [u8; 16])>,
    crc64: Option<(Crc64, [u8; 8])>,
}

impl Checks {
    /// The checksums in the headers; `blob` takes `x-ms-blob-content-md5` too.
    pub(super) fn read(call: &Call<'_>, blob: bool) -> Result<Self, Failure> {
        for name in ["x-ms-structured-body", "content-encoding", "x-ms-copy-source"] {
            if call.headers.contains_key(name) && (name != "content-encoding" || !blob) {
                return Err(Refusal::Header(name, "left out; it is not supported").into());
            }
        }
        let md5 = call.header("content-md5")?.map(parse_md5).transpose()?;
        let blob_md5 = if blob { call.blob_md5()? } else { None };
        let crc64 = match call.header("x-ms-content-crc64")? {
            None => None,
            Some(text) => Some(
                STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .ok_or(Refusal::Header("x-ms-content-crc64", "base64 of 8 bytes"))?,
            ),
        };
        Ok(Self {
            // One computation serves both when they say the same.
            blob_md5: blob_md5.filter(|wanted| Some(*wanted) != md5).map(|wanted| (Md5::new(), wanted)),
            md5: md5.map(|wanted| (Md5::new(), wanted)),
            crc64: crc64.map(|wanted| (Crc64::new(), wanted)),
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        for (md5, _) in self.md5.iter_mut().chain(&mut self.blob_md5) {
            md5.update(bytes);
        }
        if let Some((crc64, _)) = &mut self.crc64 {
            crc64.update(bytes);
        }
    }

    fn finish(self) -> Result<(), Failure> {
        for (md5, wanted) in self.md5.into_iter().chain(self.blob_md5) {
            if <[u8; 16]>::from(md5.finalize()) != wanted {
                return Err(Refusal::Md5.into());
            }
        }
        match self.crc64 {
            Some((crc64, wanted)) if crc64.finish() != wanted => Err(Refusal::Crc64.into()),
            _ => Ok(()),
        }
    }
}

/// The next bytes of the body; `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    loop {
        match timeout(STALL, body.frame()).await {
            Err(_) => return Err(Refusal::Stalled.into()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Refusal::Body.into()),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Writes the body to a new file, which is not durable yet. `too_large` answers a body above `limit` bytes.
pub(super) async fn to_file(
    directory: &Directory,
    body: &mut Body,
    mut checks: Checks,
    limit: u64,
    too_large: impl Fn() -> Failure,
) -> Result<(NamedTempFile, u64), Failure> {
    let mut file = directory.new_file().await?;
    let mut size = 0_u64;
    loop {
        let (mut batch, mut waiting) = (Vec::new(), 0);
        let mut end = false;
        while waiting < BATCH && !end {
            match next(body).await? {
                None => end = true,
                Some(data) => {
                    waiting += data.len();
                    batch.push(data);
                }
            }
        }
        size += waiting as u64;
        if size > limit {
            return Err(too_large());
        }
        if !batch.is_empty() {
            let write = move || -> io::Result<_> {
                for data in batch {
                    checks.update(&data);
                    file.as_file_mut().write_all(&data)?;
                }
                Ok((file, checks))
            };
            let written =
                spawn_blocking(write).await.map_err(|error| EngineError::from(io::Error::other(error)))?;
            (file, checks) = written.map_err(EngineError::from)?;
        }
        if end {
            checks.finish()?;
            return Ok((file, size));
        }
    }
}

/// The body in memory, at most `limit` bytes.
pub(super) async fn to_memory(body: &mut Body, mut checks: Checks, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(data) = next(body).await? {
        if (bytes.len() + data.len()) as u64 > limit {
            return Err(Refusal::BodyTooLarge(limit).into());
        }
        checks.update(&data);
        bytes.extend_from_slice(&data);
    }
    checks.finish()?;
    Ok(bytes)
}
