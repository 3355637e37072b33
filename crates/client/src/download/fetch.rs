//! One file from the edge to its place.

use super::{
    disk::{self, Incoming},
    plan::{Piece, Plan},
};
use crate::{Client, ClientError, Patience};
use bytes::{Bytes, BytesMut};
use futures::{Stream, TryStreamExt};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// How often a file is fetched that comes with other bytes than were announced.
const TRIES: u32 = 3;
/// How many grants a file may use up: one that has expired, and one more for a clock that is a little off.
const RENEWALS: u32 = 2;
/// Bytes that are written at once: enough to be worth the way to another thread.
const HELD: usize = 256 << 10;

/// Fetches a file, checks it and puts it at `to`. Tried again while the network is away, for as long as patience lasts.
pub(crate) async fn piece(
    client: &Client,
    plan: &Plan,
    piece: &Piece,
    to: PathBuf,
    patience: Patience,
) -> Result<(), ClientError> {
    let renewals = AtomicU32::new(0);
    for _ in 0..TRIES {
        let incoming = patience.retry(|| get(client, plan, piece, &to, &renewals)).await?;
        let (size, sha256) = (piece.size, piece.sha256);
        if disk::blocking(move || incoming.keep(size, &sha256)).await? {
            return Ok(());
        }
        tracing::debug!(song = plan.song_id(), file = &*piece.name, "other bytes than announced");
    }
    Err(ClientError::Corrupt { file: format!("{} of song {}", piece.name, plan.song_id()), tries: TRIES })
}

async fn get(
    client: &Client,
    plan: &Plan,
    piece: &Piece,
    to: &Path,
    renewals: &AtomicU32,
) -> Result<Incoming, ClientError> {
    let base = plan.base().await;
    match store(client, &format!("{base}{}", piece.name), piece, to).await {
        // The grant has ended, or the output it is for was replaced.
        Err(ClientError::EdgeRefused { status, file }) if matches!(status, 403 | 404) => {
            if renewals.fetch_add(1, Ordering::Relaxed) >= RENEWALS {
                return Err(ClientError::EdgeRefused { status, file });
            }
            plan.renew(client, &base).await?;
            Err(ClientError::EdgeRefused { status: 503, file })
        }
        Err(error @ (ClientError::EdgeAway { .. } | ClientError::EdgeRefused { status: 500.., .. })) => {
            plan.pass_over(&base).await;
            Err(error)
        }
        got => got,
    }
}

/// Writes a body into a file as it comes. Of one that is longer than announced not much more is read.
async fn store(client: &Client, url: &str, piece: &Piece, to: &Path) -> Result<Incoming, ClientError> {
    let mut stream = body(client, url, &piece.name).await?;
    let path = to.to_owned();
    let mut incoming = disk::blocking(|| Incoming::create(path)).await?;
    let (mut parts, mut held, mut size, mut more) = (Vec::new(), 0, 0, true);
    while more {
        match stream.try_next().await? {
            Some(part) => {
                held += part.len();
                size += part.len() as u64;
                parts.push(part);
                more = size <= piece.size;
            }
            None => more = false,
        }
        if held >= HELD || !more {
            held = 0;
            let full = std::mem::take(&mut parts);
            incoming = disk::blocking(move || incoming.push(&full).map(|()| incoming)).await?;
        }
    }
    Ok(incoming)
}

/// The body of a URL. No more than `most` bytes and one part are read.
pub(crate) async fn bytes(
    client: &Client,
    url: &str,
    file: &str,
    most: u64,
) -> Result<BytesMut, ClientError> {
    let mut stream = body(client, url, file).await?;
    let mut bytes = BytesMut::new();
    while let Some(part) = stream.try_next().await? {
        bytes.extend_from_slice(&part);
        if bytes.len() as u64 > most {
            break;
        }
    }
    Ok(bytes)
}

async fn body(
    client: &Client,
    url: &str,
    file: &str,
) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + Unpin + use<>, ClientError> {
    // The URL carries a grant: an error must not print it.
    let away = |e: reqwest::Error| ClientError::EdgeAway { cause: cause(&e.without_url()) };
    let answer = client.http().get(url).send().await.map_err(away)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(ClientError::EdgeRefused { file: file.into(), status: status.as_u16() });
    }
    Ok(Box::pin(answer.bytes_stream()).map_err(away))
}

/// The innermost reason: "connection refused", not "error sending request".
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
