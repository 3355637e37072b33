//! The headers of answers.

use crate::{
    condition::Wanted,
    error::FillError,
    path::{Name, PathError},
};
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use segue_domain::GrantError;

/// How an answer came about, as `X-Cache` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cached {
    /// From memory or disk.
    Hit,
    /// This request began a fill.
    Miss,
    /// This request joined the fill of another one.
    Joined,
}

/// The form in which an object is sent.
pub(crate) struct Form<'a> {
    pub(crate) name: Name,
    pub(crate) etag: &'a HeaderValue,
    /// Bytes of the whole in this form.
    pub(crate) size: u64,
    pub(crate) gzip: bool,
    pub(crate) cached: Cached,
}

impl Form<'_> {
    /// Status and headers for what the request wants of this form.
    pub(crate) fn answer(&self, wanted: &Wanted, body: Body) -> Response {
        let mut response = Response::new(body);
        let (status, length) = match wanted {
            Wanted::Whole => (StatusCode::OK, Some(self.size)),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range.end - range.start)),
            Wanted::Nothing => (StatusCode::NOT_MODIFIED, None),
            Wanted::Other => return plain(StatusCode::PRECONDITION_FAILED, "the object has another etag"),
            Wanted::Outside => {
                let mut response =
                    plain(StatusCode::RANGE_NOT_SATISFIABLE, "the range begins behind the end of the object");
                response.headers_mut().insert(header::CONTENT_RANGE, value(format!("bytes */{}", self.size)));
                return response;
            }
        };
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.reserve(16);
        // Private, because the URL carries a listener's grant; immutable, because objects are.
        headers
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
        headers.insert(header::ETAG, self.etag.clone());
        if self.name.compressible() {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if let Some(length) = length {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.name.content_type()));
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if self.gzip {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        if let Wanted::Part(range) = wanted {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, self.size);
            headers.insert(header::CONTENT_RANGE, value(text));
        }
        headers.insert("x-cache", HeaderValue::from_static(self.cached.text()));
        response
    }
}

impl Cached {
    fn text(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Joined => "JOINED",
        }
    }
}

/// The answer to a path that is refused.
pub(crate) fn bad_path(error: PathError) -> Response {
    let status = match error {
        PathError::Malformed => StatusCode::BAD_REQUEST,
        PathError::Unknown => StatusCode::NOT_FOUND,
    };
    plain(status, &error.to_string())
}

/// The answer to a grant that is refused.
pub(crate) fn bad_grant(error: GrantError) -> Response {
    plain(StatusCode::FORBIDDEN, &error.to_string())
}

/// The answer when the body does not come.
pub(crate) fn failed(error: FillError) -> Response {
    let status = match error {
        FillError::NotFound => StatusCode::NOT_FOUND,
        FillError::Unfit => StatusCode::BAD_GATEWAY,
        FillError::Unavailable | FillError::Busy | FillError::GivenUp => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = plain(status, &error.to_string());
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, after.as_secs().max(1).into());
    }
    response
}

/// The answer to a CORS preflight: any page may read, since the grant is in the URL and cookies play no part.
pub(crate) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    let allowed =
        HeaderValue::from_static("Range, If-Range, If-Match, If-None-Match, Accept-Encoding, Traceparent");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The answer to another method.
pub(crate) fn bad_method() -> Response {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "media can only be read: use GET or HEAD");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    response
}

/// What every answer carries, errors too: a page must be able to read a 403 to know that it needs a new grant.
pub(crate) fn add_common(headers: &mut HeaderMap) {
    const EXPOSED: &str = "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag, Retry-After, Server-Timing, X-Cache";
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.insert("timing-allow-origin", HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// A sentence, never stored by anyone.
fn plain(status: StatusCode, sentence: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{sentence}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer for a grant that is good, but not for this.
pub(crate) fn other_grant() -> Response {
    plain(StatusCode::FORBIDDEN, "the playback grant is for another song; ask for a new one with GetPlayback")
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and ASCII signs are a header value")
}
