//! Under which scheme and authority the client reached us.

use crate::Error;
use http::{HeaderMap, HeaderValue, Uri, header::HOST};

/// How the origin of a request is found.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    fixed: Option<HeaderValue>,
    trust_forwarded: bool,
}

impl Origin {
    pub(crate) fn new(public_url: &str, trust_forwarded: bool) -> Result<Self, Error> {
        if public_url.is_empty() {
            return Ok(Self { fixed: None, trust_forwarded });
        }
        let trimmed = public_url.strip_suffix('/').unwrap_or(public_url);
        let good = trimmed.split_once("://").filter(|(scheme, host)| is_scheme(scheme) && is_authority(host));
        match (good, HeaderValue::try_from(trimmed)) {
            (Some(_), Ok(value)) => Ok(Self { fixed: Some(value), trust_forwarded }),
            _ => Err(Error::Config {
                field: "public_url",
                wanted: "http(s)://host[:port] without a path, or empty".into(),
            }),
        }
    }

    /// What roles are told. `None` when the request says nothing usable.
    pub(crate) fn of(&self, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(fixed) = &self.fixed {
            return Some(fixed.clone());
        }
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        // The last of several was added by our own proxy.
        let forwarded =
            |name: &str| header(name).filter(|_| self.trust_forwarded)?.rsplit(',').next().map(str::trim);
        let scheme = forwarded("x-forwarded-proto").filter(|s| is_scheme(s));
        let scheme = scheme.or_else(|| uri.scheme_str().filter(|s| is_scheme(s))).unwrap_or("http");
        let host = forwarded("x-forwarded-host").filter(|h| is_authority(h));
        let host = host.or_else(|| uri.authority().map(|a| a.as_str())).or_else(|| header(HOST.as_str()));
        let host = host.filter(|h| is_authority(h))?;
        HeaderValue::try_from(format!("{scheme}://{host}")).ok()
    }
}

fn is_scheme(text: &str) -> bool {
    matches!(text, "http" | "https")
}

/// `host`, `host:port`, `[v6]:port`, and nothing that could mean more once it stands in a URL.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((v6, port))
                if !v6.is_empty()
                    && v6.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')) =>
            {
                ("v6", port)
            }
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let good_port = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok() && digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    let good_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    text.len() <= 255 && !host.is_empty() && good_host && good_port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap())).collect()
    }

    #[test]
    fn authorities_are_host_and_port_and_nothing_else() {
        for good in
            ["localhost", "127.0.0.1:4420", "music.example:443", "[::1]:80", "[2001:db8::1]", "a_b-c.d"]
        {
            assert!(is_authority(good), "{good}");
        }
        let long = "a".repeat(256);
        for bad in [
            "",
            ":80",
            "a b",
            "a/b",
            "user@host",
            "host:",
            "host:99999",
            "host:+1",
            "[::1",
            "[]:1",
            "a\"b",
            "h:1:2",
            &long,
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
    }

    #[test]
    fn the_request_speaks_for_itself_unless_told_otherwise() {
        let plain = Origin::new("", false).unwrap();
        let h1 = headers(&[
            ("host", "192.168.1.7:4420"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
        ]);
        assert_eq!(plain.of(&"/a.B/C".parse().unwrap(), &h1).unwrap(), "http://192.168.1.7:4420");
        let h2 = "http://music.local:80/a.B/C".parse().unwrap();
        assert_eq!(plain.of(&h2, &HeaderMap::new()).unwrap(), "http://music.local:80");
        assert_eq!(plain.of(&"/".parse().unwrap(), &headers(&[("host", "a/b")])), None);
        assert_eq!(plain.of(&"/".parse().unwrap(), &HeaderMap::new()), None);

        let behind = Origin::new("", true).unwrap();
        let both = headers(&[
            ("host", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "music.example"),
        ]);
        assert_eq!(behind.of(&"/".parse().unwrap(), &both).unwrap(), "https://music.example");

        let fixed = Origin::new("https://music.example/", false).unwrap();
        assert_eq!(fixed.of(&"/".parse().unwrap(), &h1).unwrap(), "https://music.example");
        for bad in ["music.example", "ftp://music.example", "https://music.example/path", "https://"] {
            assert!(Origin::new(bad, false).is_err(), "{bad}");
        }
    }
}
