//! From where a request comes, as far as rate limits care.

use http::{Extensions, HeaderMap};
use std::net::{IpAddr, SocketAddr};

/// The address of the client: the peer's, or what a trusted proxy says.
pub(crate) fn client(headers: &HeaderMap, extensions: &Extensions, trust_forwarded: bool) -> Option<IpAddr> {
    if trust_forwarded {
        // The last entry is the one that our own proxy added; those before it are the client's to invent.
        let last = headers.get_all("x-forwarded-for").iter().next_back();
        let entry = last.and_then(|v| v.to_str().ok()).and_then(|v| v.rsplit(',').next()).map(str::trim);
        if let Some(address) = entry.and_then(parse) {
            return Some(address);
        }
    }
    extensions.get::<SocketAddr>().map(SocketAddr::ip)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_a_trusted_proxy() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6".parse().unwrap());
        headers.append("x-forwarded-for", "1.1.1.1, 2001:db8::7".parse().unwrap());
        let mut extensions = Extensions::new();
        extensions.insert(SocketAddr::from(([10, 0, 0, 1], 5000)));
        assert_eq!(client(&headers, &extensions, false), Some([10, 0, 0, 1].into()));
        assert_eq!(client(&headers, &extensions, true), Some("2001:db8::7".parse().unwrap()));
        headers.append("x-forwarded-for", "unknown".parse().unwrap());
        assert_eq!(client(&headers, &extensions, true), Some([10, 0, 0, 1].into()));
        assert_eq!(client(&HeaderMap::new(), &Extensions::new(), true), None);
    }

    #[test]
    fn proxies_write_addresses_in_several_ways() {
        for text in ["192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", "[2001:db8::1]"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in ["", "host", "1.2.3", "[::1", "1.2.3.4:x"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
