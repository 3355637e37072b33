//! Compression of playlists (Apple's authoring rule 10.1).

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Bodies up to this many bytes are compressed in place: that takes less than a hand-over to another thread.
const IN_PLACE: usize = 8 << 10;

/// The body, compressed at the usual level.
pub(crate) async fn compress(body: Bytes) -> Bytes {
    if body.len() <= IN_PLACE {
        return now(&body);
    }
    let copy = body.clone();
    tokio::task::spawn_blocking(move || now(&copy)).await.unwrap_or_else(|_| now(&body))
}

fn now(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3 + 64), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("writing to a vector cannot fail").into()
}

/// Whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3).
pub(crate) fn accepted(header: &str) -> bool {
    let mut any = false;
    for item in header.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|w| w.parse::<f32>().is_ok_and(|w| w > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return wanted;
        }
        if name == "*" {
            any = wanted;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_only_when_it_is_accepted() {
        for (header, want) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("GZIP", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("*;q=0", false),
            ("br", false),
            ("identity", false),
            ("gzip;q=x", false),
            ("", false),
        ] {
            assert_eq!(accepted(header), want, "{header}");
        }
    }
}
