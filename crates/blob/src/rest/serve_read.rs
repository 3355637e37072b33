//! Get Blob, Get Blob Properties, Get Block List.

use super::{
    answer::{Failure, Refusal, set, validators},
    block_list,
    request::Call,
};
use crate::directory::{Conditions, Directory, EngineError, ReadCheck, Stored};
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
            CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
        },
    },
    response::Response,
};
use std::ops::Range;

pub(super) async fn get(directory: &Directory, call: &Call<'_>) -> Result<Response, Failure> {
    let conditions = call.conditions(false)?;
    let asked = range(call)?;
    let fetched = directory
        .fetch(&call.object, move |stored| -> Result<_, Failure> {
            check(&conditions, stored)?;
            match asked {
                None => Ok(0..stored.size),
                Some(asked) => Ok(asked.of(stored.size)?),
            }
        })
        .await?;
    let (stored, range) = (fetched.stored, fetched.range);
    let mut response = Response::new(match fetched.body {
        crate::directory::Fetch::Whole(bytes) => Body::from(bytes),
        crate::directory::Fetch::Stream(stream) => Body::from_stream(stream),
    });
    let headers = response.headers_mut();
    describe(headers, &stored, range.end - range.start);
    override_headers(headers, call);
    if asked.is_some() {
        set(headers, CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, stored.size));
        // The digest is the whole object's, and Content-MD5 would be that of the body.
        if let Some(md5) = headers.remove("content-md5") {
            headers.insert("x-ms-blob-content-md5", md5);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

pub(super) async fn head(directory: &Directory, call: &Call<'_>) -> Result<Response, Failure> {
    let conditions = call.conditions(false)?;
    let stored = directory.stat(&call.object).await?.ok_or(EngineError::NotFound)?;
    check(&conditions, &stored)?;
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), &stored, stored.size);
    override_headers(response.headers_mut(), call);
    Ok(response)
}

pub(super) async fn block_list(
    directory: &Directory,
    call: &Call<'_>,
    committed: bool,
    uncommitted: bool,
) -> Result<Response, Failure> {
    let (blocks, stored) = directory.block_lists(&call.object).await?;
    if stored.is_none() && blocks.is_empty() {
        return Err(EngineError::NotFound.into());
    }
    let parts = stored.as_ref().map_or(&[][..], Stored::parts);
    let xml = block_list::write(committed.then_some(parts), uncommitted.then_some(&blocks));
    let mut response = Response::new(Body::from(xml));
    let headers = response.headers_mut();
    set(headers, CONTENT_TYPE, "application/xml");
    if let Some(stored) = &stored {
        validators(headers, &stored.etag, stored.modified);
    }
    let length = stored.map_or(0, |stored| stored.size).to_string();
    set(headers, HeaderName::from_static("x-ms-blob-content-length"), &length);
    Ok(response)
}

fn check(conditions: &Conditions, stored: &Stored) -> Result<(), Failure> {
    match conditions.check_read(stored) {
        ReadCheck::Send => Ok(()),
        ReadCheck::Failed => Err(EngineError::ConditionNotMet.into()),
        ReadCheck::NotModified => {
            Err(Refusal::NotModified { etag: stored.etag.clone(), modified: stored.modified }.into())
        }
    }
}

fn describe(headers: &mut HeaderMap, stored: &Stored, length: u64) {
    validators(headers, &stored.etag, stored.modified);
    set(headers, CONTENT_TYPE, &stored.content_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(md5) = &stored.content_md5 {
        set(headers, HeaderName::from_static("content-md5"), md5);
    }
    for (name, value) in [
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-server-encrypted", "false"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The header values that a SAS asks for; they are part of what was signed.
fn override_headers(headers: &mut HeaderMap, call: &Call<'_>) {
    for (parameter, name) in [
        ("rscc", CACHE_CONTROL),
        ("rscd", CONTENT_DISPOSITION),
        ("rsce", CONTENT_ENCODING),
        ("rscl", CONTENT_LANGUAGE),
        ("rsct", CONTENT_TYPE),
    ] {
        let value = call.params.get(parameter);
        if !value.is_empty() {
            set(headers, name, value);
        }
    }
}

/// A range as the client asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// First and, if given, last byte.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

impl Asked {
    /// The bytes of an object of this size.
    fn of(self, size: u64) -> Result<Range<u64>, EngineError> {
        let range = match self {
            Self::From(first, last) => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        if range.is_empty() { Err(EngineError::OutOfRange(size)) } else { Ok(range) }
    }
}

/// `x-ms-range`, else `Range`. As RFC 9110 wants it, a header that is not one range of bytes counts for nothing.
fn range(call: &Call<'_>) -> Result<Option<Asked>, Failure> {
    let text = match call.header("x-ms-range")? {
        Some(text) => Some(text),
        None => call.header("range")?,
    };
    Ok(text.and_then(parse_range))
}

fn parse_range(text: &str) -> Option<Asked> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    match (first.trim(), last.trim()) {
        ("", last) => number(last).map(Asked::Last),
        (first, "") => number(first).map(|first| Asked::From(first, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From(first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_the_end_and_refused_behind_it() {
        let of = |text, size| parse_range(text).map(|asked| asked.of(size).ok());
        assert_eq!(of("bytes=0-", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=2-3", 10), Some(Some(2..4)));
        assert_eq!(of("bytes=2-99", 10), Some(Some(2..10)));
        assert_eq!(of("bytes=0-18446744073709551615", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=-3", 10), Some(Some(7..10)));
        assert_eq!(of("bytes=-30", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=10-", 10), Some(None));
        assert_eq!(of("bytes=-0", 10), Some(None));
        assert_eq!(of("bytes=0-0", 0), Some(None));
        for ignored in
            ["bytes=3-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2", "bytes=-", "0-1"]
        {
            assert_eq!(parse_range(ignored), None, "{ignored}");
        }
    }
}
