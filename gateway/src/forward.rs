//! A call on its way to the role: which of the client's headers go along, and what comes back.

use crate::refused::Refused;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method as Verb, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TE},
};
use segue_mesh::{CONSISTENCY_HEADER, ORIGIN_HEADER};
use tonic::body::Body;

/// The request that the role gets. `authorization` goes along: the role verifies it again.
pub(crate) fn request(
    uri: Uri,
    mut headers: HeaderMap,
    origin: Option<HeaderValue>,
    timeout: Option<HeaderValue>,
    body: Body,
) -> Request<Body> {
    strip(&mut headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if let Some(origin) = origin {
        headers.insert(HeaderName::from_static(ORIGIN_HEADER), origin);
    }
    if let Some(timeout) = timeout {
        headers.insert("grpc-timeout", timeout);
    }
    // Without the client's extensions: nothing that a layer here put into the request may pass for the role's own.
    let mut request = Request::new(body);
    *request.method_mut() = Verb::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// The role's answer without what belongs to the connection, or why it is none.
pub(crate) fn answer(mut answer: Response<Body>, service: &str) -> Result<Response<Body>, Refused> {
    let grpc =
        answer.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"application/grpc"));
    if answer.status() != StatusCode::OK || !grpc {
        return Err(Refused::NotGrpc { service: service.to_owned() });
    }
    strip_hops(answer.headers_mut());
    // gRPC-Web makes another length of it.
    answer.headers_mut().remove(CONTENT_LENGTH);
    *answer.version_mut() = Version::default();
    Ok(answer)
}

/// What a caller has seen is theirs to say: without it a cache or a replica that is behind would show them less.
fn strip(headers: &mut HeaderMap) {
    strip_hops(headers);
    let ours = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "host" | "content-length" | "expect" | "cookie" | "forwarded" | "x-real-ip" | "grpc-timeout"
        ) || (name.starts_with("segue-") && name != CONSISTENCY_HEADER)
            || name.starts_with("x-forwarded-")
    };
    remove_where(headers, ours);
}

/// Headers of the connection and not of the message (RFC 9110, 7.6.1), those that `connection` names among them.
fn strip_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    let hop = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "connection"
                | "keep-alive"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "http2-settings"
        ) || name.starts_with("proxy-")
    };
    remove_where(headers, hop);
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    // Empty most of the time, and then it allocates nothing.
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_clients_to_say_goes_along() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("x-trace-me", "yes"),
            ("grpc-encoding", "gzip"),
            ("grpc-timeout", "99H"),
            ("segue-origin", "http://evil"),
            ("segue-user", "someone"),
            ("segue-consistency", "a@7"),
            ("x-forwarded-for", "1.2.3.4"),
            ("forwarded", "for=1.2.3.4"),
            ("host", "here"),
            ("content-length", "7"),
            ("cookie", "a=b"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "x"),
            ("te", "gzip"),
            ("content-type", "application/grpc+proto"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let origin = Some(HeaderValue::from_static("http://here"));
        let timeout = Some(HeaderValue::from_static("5m"));
        let sent = request("/a.B/C".parse().unwrap(), headers, origin, timeout, Body::empty());
        let mut left: Vec<_> =
            sent.headers().iter().map(|(k, v)| format!("{k}: {}", v.to_str().unwrap())).collect();
        left.sort();
        let wanted = [
            "authorization: Bearer x",
            "content-type: application/grpc",
            "grpc-encoding: gzip",
            "grpc-timeout: 5m",
            "segue-consistency: a@7",
            "segue-origin: http://here",
            "te: trailers",
            "x-trace-me: yes",
        ];
        assert_eq!(left, wanted);
    }

    #[test]
    fn a_proxys_error_page_is_no_answer() {
        let page =
            Response::builder().status(502).header(CONTENT_TYPE, "text/html").body(Body::empty()).unwrap();
        assert!(matches!(answer(page, "a.B"), Err(Refused::NotGrpc { .. })));
    }
}
