//! What a player sees of a stream.

use crate::music;
use std::collections::BTreeMap;

/// A variant of a master playlist.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Attributes of EXT-X-STREAM-INF.
    pub attributes: BTreeMap<String, String>,
    /// Absolute URL of the media playlist.
    pub url: String,
}

impl Variant {
    /// RFC 6381 codec.
    pub fn codec(&self) -> &str {
        self.attributes.get("CODECS").map(|c| c.trim_matches('"')).unwrap_or_default()
    }
    /// Samples per channel that ffmpeg decodes from the rung.
    pub fn samples(&self, channels: usize) -> usize {
        music::samples(&self.url, channels)
    }
}

/// The variants of a master playlist at `url`.
///
/// # Panics
/// When it cannot be fetched or is not a master playlist.
pub fn variants(url: &str) -> Vec<Variant> {
    let text = fetch(url);
    let base = url.rsplit_once('/').expect("a path").0;
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(list) = line.strip_prefix("#EXT-X-STREAM-INF:") else { continue };
        let uri = lines.next().expect("a URI follows");
        found.push(Variant { attributes: attributes(list), url: format!("{base}/{uri}") });
    }
    assert!(!found.is_empty(), "no variants in {text}");
    found
}

/// URLs of the segments of a media playlist at `url`.
///
/// # Panics
/// When it cannot be fetched or has none.
pub fn segments(url: &str) -> Vec<String> {
    let base = url.rsplit_once('/').expect("a path").0;
    let names = fetch(url);
    let found: Vec<_> = names
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| format!("{base}/{l}"))
        .collect();
    assert!(!found.is_empty(), "no segments in {names}");
    found
}

fn attributes(list: &str) -> BTreeMap<String, String> {
    let (mut out, mut rest) = (BTreeMap::new(), list);
    while let Some((key, tail)) = rest.split_once('=') {
        let end = match tail.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(tail.len(), |at| at + 2),
            None => tail.find(',').unwrap_or(tail.len()),
        };
        out.insert(key.to_owned(), tail[..end].to_owned());
        rest = tail[end..].trim_start_matches(',');
    }
    out
}

/// A GET by curl, which nobody here wrote either.
///
/// # Panics
/// When it fails.
fn fetch(url: &str) -> String {
    let done =
        std::process::Command::new("curl").args(["-sfS", "--compressed", url]).output().expect("curl runs");
    assert!(done.status.success(), "{url}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
