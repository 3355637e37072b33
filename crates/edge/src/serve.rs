//! A request from its path to its answer.

use crate::{
    body::Coming,
    cache::memory::Object,
    condition::{self, Tags, Wanted},
    error::FillError,
    fill::{Head, Reader},
    gzip,
    node::{Found, Node},
    path, prefetch,
    respond::{self, Cached, Form},
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, header, request::Parts};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Answers any request under `/media/`.
pub(crate) async fn serve(State(node): State<Arc<Node>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = match parts.method {
        Method::GET | Method::HEAD => answer(&node, &parts).await,
        Method::OPTIONS => respond::preflight(),
        _ => {
            node.meter.bad_request.increment(1);
            respond::bad_method()
        }
    };
    respond::add_common(response.headers_mut());
    if parts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn answer(node: &Arc<Node>, parts: &Parts) -> Response {
    // The raw path: whatever a percent sign might stand for, it is none of ours. A query is ignored (players
    // append CMCD).
    let media = match path::parse(parts.uri.path()) {
        Ok(media) => media,
        Err(error) => {
            node.meter.bad_request.increment(1);
            return respond::bad_path(error);
        }
    };
    let verified = match node.grants.verify(media.grant, node.clock.now()) {
        Ok(verified) => verified,
        Err(error) => {
            node.meter.denied.increment(1);
            return respond::bad_grant(error);
        }
    };
    let key = media.key;
    if verified.grant.song != key.song || verified.grant.output != key.output {
        node.meter.denied.increment(1);
        return respond::other_grant();
    }
    if verified.first {
        node.disk.played(key.song);
    }
    let found = node.fetch(key);
    if parts.method == Method::GET && found.is_ok() {
        prefetch::after(node, &key);
    }
    let sent = async {
        match found? {
            Found::Object(object) => Ok(whole(node, parts, key.name, &object, Cached::Hit).await),
            Found::Coming { reader, began } => coming(node, parts, key.name, reader, began).await,
        }
    };
    sent.await.unwrap_or_else(|error: FillError| {
        let counter = if error == FillError::NotFound { &node.meter.not_found } else { &node.meter.failed };
        counter.increment(1);
        respond::failed(error)
    })
}

/// Answers out of memory.
async fn whole(node: &Node, parts: &Parts, name: path::Name, object: &Object, cached: Cached) -> Response {
    let head = &object.head;
    let (body, form) = if wants_gzip(name, &parts.headers) {
        let body = object.gzip().await;
        let form = Form { name, etag: &head.gzip_etag, size: body.len() as u64, gzip: true, cached };
        (body, form)
    } else {
        (object.body.clone(), Form { name, etag: &head.etag, size: head.size, gzip: false, cached })
    };
    count(node, cached);
    let wanted = wanted(parts, &form, head);
    let body = match &wanted {
        Wanted::Whole => body,
        Wanted::Part(range) => body.slice(range.start as usize..range.end as usize),
        _ => Bytes::new(),
    };
    if parts.method == Method::GET {
        node.meter.sent_bytes.increment(body.len() as u64);
    }
    form.answer(&wanted, Body::from(body))
}

/// Answers while the object comes.
async fn coming(
    node: &Node,
    parts: &Parts,
    name: path::Name,
    reader: Reader,
    began: bool,
) -> Result<Response, FillError> {
    let patience = Duration::from_millis(node.config.wait_timeout_ms);
    let late = |_| FillError::Unavailable;
    let head = timeout(patience, reader.head()).await.map_err(late)??;
    let cached = match (head.fetched, began) {
        (false, _) => Cached::Hit,
        (true, true) => Cached::Miss,
        (true, false) => Cached::Joined,
    };
    // Compressing needs all of it; playlists are small.
    if wants_gzip(name, &parts.headers)
        && let Some(object) = timeout(patience, reader.finished()).await.map_err(late)??
    {
        return Ok(whole(node, parts, name, &object, cached).await);
    }
    if let Some(object) = reader.object()
        && !wants_gzip(name, &parts.headers)
    {
        return Ok(whole(node, parts, name, &object, cached).await);
    }
    count(node, cached);
    let form = Form { name, etag: &head.etag, size: head.size, gzip: false, cached };
    let wanted = wanted(parts, &form, &head);
    let range = match &wanted {
        Wanted::Whole => 0..head.size,
        Wanted::Part(range) => range.clone(),
        _ => return Ok(form.answer(&wanted, Body::empty())),
    };
    if parts.method == Method::HEAD {
        return Ok(form.answer(&wanted, Body::empty()));
    }
    let len = range.end - range.start;
    let stream = reader.stream(range, node.reads.clone(), patience);
    let body = Coming::new(stream, len, node.meter.sent_bytes.clone());
    Ok(form.answer(&wanted, Body::new(body)))
}

fn wanted(parts: &Parts, form: &Form<'_>, head: &Head) -> Wanted {
    let other = match (form.name.compressible(), form.gzip) {
        (false, _) => None,
        (true, true) => Some(&head.etag),
        (true, false) => Some(&head.gzip_etag),
    };
    condition::evaluate(&parts.method, &parts.headers, Tags { sent: form.etag, other }, form.size)
}

/// Ranges are always of the plain form: the compressed one is ours, and another edge's may differ.
fn wants_gzip(name: path::Name, headers: &HeaderMap) -> bool {
    let accepts = |h: &HeaderMap| {
        h.get_all(header::ACCEPT_ENCODING).iter().any(|v| v.to_str().is_ok_and(gzip::accepted))
    };
    name.compressible() && !headers.contains_key(header::RANGE) && accepts(headers)
}

fn count(node: &Node, cached: Cached) {
    let counter = match cached {
        Cached::Hit => &node.meter.hits,
        Cached::Miss => &node.meter.misses,
        Cached::Joined => &node.meter.joined,
    };
    counter.increment(1);
}
