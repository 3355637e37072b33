//! One file from the edge to its place.

use super::{
    disk,
    plan::{Piece, Plan},
};
use crate::{Client, ClientError, Patience};
use bytes::BytesMut;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// How often a file is fetched that comes with other bytes than were announced.
const TRIES: u32 = 3;
/// How many grants a file may use up: one that has expired, and one more for a clock that is a little off.
const RENEWALS: u32 = 2;

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
        let bytes = patience.retry(|| get(client, plan, piece, &renewals)).await?;
        let (size, sha256, to) = (piece.size, piece.sha256, to.clone());
        let good = disk::blocking(move || {
            let good = bytes.len() as u64 == size && Sha256::digest(&bytes)[..] == sha256;
            // It is checked again before it is ever relied on, so it need not survive a power cut.
            if good {
                disk::write(&to, &bytes, false)?;
            }
            Ok(good)
        });
        if good.await? {
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
    renewals: &AtomicU32,
) -> Result<BytesMut, ClientError> {
    let base = plan.base().await;
    match bytes(client, &format!("{base}{}", piece.name), &piece.name, piece.size).await {
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

/// The body of a URL. No more than `most` bytes and one are read.
pub(crate) async fn bytes(
    client: &Client,
    url: &str,
    file: &str,
    most: u64,
) -> Result<BytesMut, ClientError> {
    // The URL carries a grant: an error must not print it.
    let away = |e: reqwest::Error| ClientError::EdgeAway { cause: cause(&e.without_url()) };
    let answer = client.http().get(url).send().await.map_err(away)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(ClientError::EdgeRefused { file: file.into(), status: status.as_u16() });
    }
    let mut body = BytesMut::with_capacity(usize::try_from(most).unwrap_or(0));
    let mut stream = answer.bytes_stream();
    while let Some(part) = stream.try_next().await.map_err(away)? {
        body.extend_from_slice(&part);
        if body.len() as u64 > most {
            break;
        }
    }
    Ok(body)
}

/// The innermost reason: "connection refused", not "error sending request".
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
