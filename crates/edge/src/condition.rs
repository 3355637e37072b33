//! Conditional and range requests (RFC 9110 sections 13 and 14).

use http::{HeaderMap, HeaderValue, Method, header};
use std::ops::Range;

/// What a request asks of an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Nothing, the client has it: 304.
    Nothing,
    /// Another object: 412.
    Other,
    /// Bytes that are not there: 416.
    Outside,
}

/// The ETags under which the object goes: what is about to be sent, and its other form if it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tags<'a> {
    pub(crate) sent: &'a HeaderValue,
    pub(crate) other: Option<&'a HeaderValue>,
}

/// Evaluates the request's conditions in the order of RFC 9110 section 13.2.2.
pub(crate) fn evaluate(method: &Method, headers: &HeaderMap, tags: Tags<'_>, size: u64) -> Wanted {
    let known = |text: &str, weak: bool| {
        let text = if weak { text.strip_prefix("W/").unwrap_or(text) } else { text };
        text == "*" || text.as_bytes() == tags.sent || tags.other.is_some_and(|t| text.as_bytes() == t)
    };
    let listed = |name, weak| {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek().is_some().then(|| {
            values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(|t| known(t.trim(), weak))
        })
    };
    if listed(header::IF_MATCH, false) == Some(false) {
        return Wanted::Other;
    }
    if listed(header::IF_NONE_MATCH, true) == Some(true) {
        return Wanted::Nothing;
    }
    // A date is never strong enough for us, so If-Range with one means the whole.
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag == tags.sent);
    match headers.get(header::RANGE).and_then(|r| r.to_str().ok()) {
        Some(text) if *method == Method::GET && same => range(text, size),
        _ => Wanted::Whole,
    }
}

/// A single range of bytes. Other units, several ranges and what is no range at all are answered with the whole
/// object, as section 14.2 allows.
fn range(text: &str, size: u64) -> Wanted {
    let parse = || {
        let (unit, set) = text.split_once('=')?;
        let (first, last) = set.trim().split_once('-')?;
        let number = |t: &str| match t.len() {
            1..=18 if t.bytes().all(|b| b.is_ascii_digit()) => t.parse::<u64>().ok(),
            // Longer numbers are further than any object.
            19.. if t.bytes().all(|b| b.is_ascii_digit()) => Some(u64::MAX),
            _ => None,
        };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (first, last) {
            ("", last) => Some((size.saturating_sub(number(last)?), size)),
            (first, "") => Some((number(first)?, size)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then(|| (first, last.saturating_add(1).min(size)))
            }
        }
    };
    match parse() {
        None => Wanted::Whole,
        Some((begin, end)) if begin < end => Wanted::Part(begin..end),
        Some(_) => Wanted::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_rfc() {
        for (text, want) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-19", Wanted::Part(10..20)),
            ("bytes=10-", Wanted::Part(10..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=90-1000", Wanted::Part(90..100)),
            ("bytes=0-99999999999999999999999", Wanted::Part(0..100)),
            ("Bytes= 1-2", Wanted::Part(1..3)),
            ("bytes=100-", Wanted::Outside),
            ("bytes=100-200", Wanted::Outside),
            ("bytes=99999999999999999999999-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=5-1", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(range(text, 100), want, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Outside);
    }

    #[test]
    fn conditions_follow_the_rfc() {
        let (plain, gzip) = (HeaderValue::from_static("\"a\""), HeaderValue::from_static("\"a-gz\""));
        let tags = Tags { sent: &plain, other: Some(&gzip) };
        let cases: &[(&[(&str, &str)], Wanted)] = &[
            (&[], Wanted::Whole),
            (&[("if-none-match", "\"a\"")], Wanted::Nothing),
            (&[("if-none-match", "\"x\", W/\"a\"")], Wanted::Nothing),
            (&[("if-none-match", "\"a-gz\"")], Wanted::Nothing),
            (&[("if-none-match", "*")], Wanted::Nothing),
            (&[("if-none-match", "\"x\"")], Wanted::Whole),
            (&[("if-match", "\"a\"")], Wanted::Whole),
            (&[("if-match", "W/\"a\"")], Wanted::Other),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a\"")], Wanted::Other),
            (&[("range", "bytes=1-2"), ("if-range", "\"a\"")], Wanted::Part(1..3)),
            (&[("range", "bytes=1-2"), ("if-range", "\"x\"")], Wanted::Whole),
            (&[("range", "bytes=1-2"), ("if-range", "Mon, 23 Nov 2026 08:00:00 GMT")], Wanted::Whole),
            (&[("range", "bytes=1-2"), ("if-none-match", "\"a\"")], Wanted::Nothing),
        ];
        for (headers, want) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(evaluate(&Method::GET, &map, tags, 100), *want, "{headers:?}");
        }
        let mut map = HeaderMap::new();
        map.insert("range", HeaderValue::from_static("bytes=1-2"));
        assert_eq!(evaluate(&Method::HEAD, &map, tags, 100), Wanted::Whole, "range is defined for GET only");
    }
}
