//! Put Block, Put Block List, Put Blob, Delete Blob.

use super::{
    answer::{Failure, Refusal, set, validators},
    block_list,
    receive::{self, Checks},
    request::Call,
};
use crate::directory::{BlockId, Directory, EngineError, MAX_BLOCKS, Stored};
use axum::{
    body::Body,
    http::{HeaderName, StatusCode},
    response::Response,
};

/// The largest block in bytes: Azure's limit of service versions before 2019-12-12, and plenty.
const MAX_BLOCK: u64 = 100 << 20;

/// The largest block list: 50,000 entries of the longest ids.
const MAX_LIST: u64 = MAX_BLOCKS as u64 * 160;

pub(super) async fn put_block(
    directory: &Directory,
    call: &Call<'_>,
    id: BlockId,
    limit: u64,
    body: &mut Body,
) -> Result<Response, Failure> {
    let checks = Checks::read(call, false)?;
    let announced = call.content_length()?;
    if announced.is_some_and(|bytes| bytes > MAX_BLOCK) {
        return Err(Refusal::BodyTooLarge(MAX_BLOCK).into());
    }
    // Refused before its bytes are on the way, when it says how many there are.
    directory.check_block(&call.object, id.clone(), announced.unwrap_or(0), limit).await?;
    let largest = MAX_BLOCK.min(limit);
    let too_large = || match limit < MAX_BLOCK {
        true => EngineError::TooLarge(limit).into(),
        false => Refusal::BodyTooLarge(MAX_BLOCK).into(),
    };
    let (file, size) = receive::to_file(directory, body, checks, largest, too_large).await?;
    if size == 0 {
        return Err(Refusal::Header("Content-Length", "above zero: a block has bytes").into());
    }
    directory.store_block(&call.object, id, file, size, limit).await?;
    let mut response = created();
    echo_checksums(call, &mut response);
    Ok(response)
}

pub(super) async fn put_block_list(
    directory: &Directory,
    call: &Call<'_>,
    limit: u64,
    create_only: bool,
    body: &mut Body,
) -> Result<Response, Failure> {
    let new = call.new_object(limit, create_only, None)?;
    let body = receive::to_memory(body, Checks::read(call, false)?, MAX_LIST).await?;
    let list = block_list::parse(&body)?;
    let stored = directory.commit_blocks(&call.object, list, new).await?;
    Ok(committed(call, &stored))
}

pub(super) async fn put_blob(
    directory: &Directory,
    call: &Call<'_>,
    limit: u64,
    create_only: bool,
    body: &mut Body,
) -> Result<Response, Failure> {
    let mut new = call.new_object(limit, create_only, Some("content-type"))?;
    if new.content_md5.is_none() {
        new.content_md5 = call.header("content-md5")?.map(str::to_owned);
    }
    let checks = Checks::read(call, true)?;
    let too_large = || Failure::from(EngineError::TooLarge(limit));
    if call.content_length()?.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let (file, size) = receive::to_file(directory, body, checks, limit, too_large).await?;
    let stored = directory.put_file(&call.object, file, size, new).await?;
    Ok(committed(call, &stored))
}

pub(super) async fn delete(directory: &Directory, call: &Call<'_>) -> Result<Response, Failure> {
    if !directory.remove(&call.object, call.conditions(false)?).await? {
        return Err(EngineError::NotFound.into());
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn created() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    set(response.headers_mut(), HeaderName::from_static("x-ms-request-server-encrypted"), "false");
    response
}

fn committed(call: &Call<'_>, stored: &Stored) -> Response {
    let mut response = created();
    validators(response.headers_mut(), &stored.etag, stored.modified);
    echo_checksums(call, &mut response);
    response
}

/// Tells the client which checksums were found to be right.
fn echo_checksums(call: &Call<'_>, response: &mut Response) {
    for name in ["content-md5", "x-ms-content-crc64"] {
        if let Some(value) = call.headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
}
