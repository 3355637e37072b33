//! Deadlines: what the client asks for, within what we allow.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;

/// The limits of the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) default: Duration,
    pub(crate) max: Duration,
}

/// The time of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// Until the answer begins.
    pub(crate) begin: Duration,
    /// Until it ends; the role is told. A stream whose client names no deadline has none.
    pub(crate) end: Option<Duration>,
}

impl Limits {
    pub(crate) fn of(&self, headers: &HeaderMap, streaming: bool) -> Timeout {
        match (parse(headers), streaming) {
            (None, true) => Timeout { begin: self.default, end: None },
            // A stream may be asked for as long as its client likes: it ends with the client's token.
            (Some(asked), true) => Timeout { begin: asked.min(self.max), end: Some(asked) },
            (asked, false) => {
                let limit = asked.unwrap_or(self.default).min(self.max);
                Timeout { begin: limit, end: Some(limit) }
            }
        }
    }
}

/// `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2, "Timeout"). Anything else counts as none.
fn parse(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get("grpc-timeout")?.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0_u64, |n, d| n * 10 + u64::from(d - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(n * 3600),
        b'M' => Duration::from_secs(n * 60),
        b'S' => Duration::from_secs(n),
        b'm' => Duration::from_millis(n),
        b'u' => Duration::from_micros(n),
        b'n' => Duration::from_nanos(n),
        _ => return None,
    })
}

/// The header that tells the role, rounded up to a unit that holds it.
pub(crate) fn header(limit: Duration) -> Option<HeaderValue> {
    let millis = limit.as_nanos().div_ceil(1_000_000);
    let text = if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", limit.as_secs().min(99_999_999))
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: Option<&str>, streaming: bool) -> Timeout {
        let mut headers = HeaderMap::new();
        if let Some(text) = text {
            headers.insert("grpc-timeout", text.parse().unwrap());
        }
        Limits { default: Duration::from_secs(30), max: Duration::from_secs(60) }.of(&headers, streaming)
    }

    #[test]
    fn deadlines_are_defaulted_and_capped() {
        let s = Duration::from_secs;
        let unary = |limit| Timeout { begin: limit, end: Some(limit) };
        assert_eq!(of(None, false), unary(s(30)));
        assert_eq!(of(Some("5S"), false), unary(s(5)));
        assert_eq!(of(Some("99999999H"), false), unary(s(60)));
        assert_eq!(of(Some("250m"), false), unary(Duration::from_millis(250)));
        assert_eq!(of(None, true), Timeout { begin: s(30), end: None });
        assert_eq!(of(Some("1H"), true), Timeout { begin: s(60), end: Some(s(3600)) });
        for bad in ["S", "1", "-1S", "1s", "123456789S", "1 S"] {
            assert_eq!(of(Some(bad), false), unary(s(30)), "{bad}");
        }
    }

    #[test]
    fn the_role_is_told_in_eight_digits() {
        assert_eq!(header(Duration::from_micros(1500)).unwrap(), "2m");
        assert_eq!(header(Duration::from_secs(30)).unwrap(), "30000m");
        assert_eq!(header(Duration::from_secs(200_000)).unwrap(), "200000S");
    }
}
