//! The closed grammar of media paths. The raw bytes are judged before anything else looks at them, and nothing is
//! ever decoded: what is not in the grammar reaches neither the disk nor the origin.

use segue_domain::{ObjectName, OutputId, SongId};
use std::fmt;

/// The longest path that is looked at, bytes. The longest good one is about 280.
const LONGEST: usize = 512;
/// The longest name of a rung, bytes.
const RUNG: usize = 23;

/// A path that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// Something no URL of ours contains: 400.
    #[error(
        "the path may only hold a-z, A-Z, 0-9, '.', '_' and '-' between single slashes, without dot segments"
    )]
    Malformed,
    /// Well-formed, but it names nothing that an edge serves: 404.
    #[error("there is no such media object")]
    Unknown,
}

/// A request path taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaPath<'a> {
    /// The grant as text; not verified yet.
    pub(crate) grant: &'a str,
    /// What is asked for.
    pub(crate) key: Key,
}

/// One immutable object: the cache key. The grant is no part of it, so listeners share bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) song: SongId,
    pub(crate) output: OutputId,
    pub(crate) name: Name,
}

/// The name of an object in its output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// `master.m3u8`
    Master,
    /// `manifest.json`
    Manifest,
    /// `cover-<px>.jpg`
    Cover(u16),
    /// `<rung>/index.m3u8`
    Playlist(Rung),
    /// `<rung>/init.mp4`
    Init(Rung),
    /// `<rung>/NNNNN.m4s`
    Segment(Rung, u32),
}

/// The name of a rung: `[a-z0-9][a-z0-9-]*`, at most 23 bytes; inline, so that a key is `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rung {
    len: u8,
    text: [u8; RUNG],
}

/// Takes the raw path of a request apart: `/media/{grant}/{song_id}/{output_id}/{name}`.
pub(crate) fn parse(raw: &str) -> Result<MediaPath<'_>, PathError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-');
    if raw.len() > LONGEST || !raw.bytes().all(allowed) {
        return Err(PathError::Malformed);
    }
    let rest = raw.strip_prefix("/media/").ok_or(PathError::Unknown)?;
    if rest.split('/').any(|s| matches!(s, "" | "." | "..")) {
        return Err(PathError::Malformed);
    }
    let mut parts = rest.splitn(4, '/');
    let (Some(grant), Some(song), Some(output), Some(name)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(PathError::Unknown);
    };
    let song = song.parse().map_err(|_| PathError::Unknown)?;
    let output = output.parse().map_err(|_| PathError::Unknown)?;
    let name = Name::parse(name).ok_or(PathError::Unknown)?;
    Ok(MediaPath { grant, key: Key { song, output, name } })
}

impl Key {
    /// The object in the blob store.
    pub(crate) fn object(&self) -> ObjectName {
        ObjectName::media(self.song, self.output, &self.name.to_string())
            .expect("the grammar is within the one of objects")
    }

    /// The name of the object's file in the disk cache: reversible, so that a start needs no look into files.
    pub(crate) fn file_name(&self) -> String {
        format!("{}_{}_{}", self.song, self.output, self.name.to_string().replace('/', "+"))
    }

    /// The folder of that file: the song's random last byte.
    pub(crate) fn shard(&self) -> u8 {
        self.song.bytes()[15]
    }

    /// The key whose [`Key::file_name`] this is.
    pub(crate) fn from_file_name(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '_');
        let (song, output) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let name = Name::parse(&parts.next()?.replace('+', "/"))?;
        Some(Self { song, output, name })
    }

    /// The same output, another object.
    pub(crate) fn sibling(&self, name: Name) -> Self {
        Self { name, ..*self }
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Some((rung, file)) = text.split_once('/') {
            let rung = Rung::parse(rung)?;
            return match file {
                "index.m3u8" => Some(Self::Playlist(rung)),
                "init.mp4" => Some(Self::Init(rung)),
                _ => Some(Self::Segment(rung, number(file.strip_suffix(".m4s").filter(|n| n.len() == 5)?)?)),
            };
        }
        match text {
            "master.m3u8" => Some(Self::Master),
            "manifest.json" => Some(Self::Manifest),
            _ => {
                let px = text.strip_prefix("cover-")?.strip_suffix(".jpg")?;
                let good = (1..=4).contains(&px.len()) && !px.starts_with('0');
                Some(Self::Cover(number(px).filter(|_| good)?.try_into().ok()?))
            }
        }
    }

    /// The media type: RFC 8216 section 4 and Apple's authoring rule 10.4 for playlists and fMP4 audio.
    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Master | Self::Playlist(_) => "application/vnd.apple.mpegurl",
            Self::Manifest => "application/json",
            Self::Cover(_) => "image/jpeg",
            Self::Init(_) | Self::Segment(..) => "audio/mp4",
        }
    }

    /// Whether it is text that is worth compressing (Apple's rule 10.1: playlists must be).
    pub(crate) fn compressible(&self) -> bool {
        matches!(self, Self::Master | Self::Playlist(_) | Self::Manifest)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("master.m3u8"),
            Self::Manifest => f.write_str("manifest.json"),
            Self::Cover(px) => write!(f, "cover-{px}.jpg"),
            Self::Playlist(rung) => write!(f, "{rung}/index.m3u8"),
            Self::Init(rung) => write!(f, "{rung}/init.mp4"),
            Self::Segment(rung, n) => write!(f, "{rung}/{n:05}.m4s"),
        }
    }
}

impl Rung {
    fn parse(text: &str) -> Option<Self> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > RUNG || text.starts_with('-') || !text.bytes().all(good) {
            return None;
        }
        let mut bytes = [0; RUNG];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { len: text.len() as u8, text: bytes })
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text[..self.len.into()]).unwrap_or_default())
    }
}

impl fmt::Debug for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SONG: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const OUTPUT: &str = "01890a5d-ac97-774b-bcce-b302099a8058";

    #[test]
    fn every_object_of_an_output_has_one_path() {
        for name in [
            "master.m3u8",
            "manifest.json",
            "cover-96.jpg",
            "cover-640.jpg",
            "aac-128/index.m3u8",
            "aac-128/init.mp4",
            "aac-128/00001.m4s",
            "flac/99999.m4s",
        ] {
            let raw = format!("/media/grant_-A/{SONG}/{OUTPUT}/{name}");
            let path = parse(&raw).unwrap();
            assert_eq!((path.grant, path.key.name.to_string().as_str()), ("grant_-A", name));
            assert_eq!(path.key.object().as_str(), format!("media/{SONG}/{OUTPUT}/{name}"));
            assert_eq!(Key::from_file_name(&path.key.file_name()), Some(path.key), "{name}");
        }
    }

    #[test]
    fn odd_bytes_are_malformed() {
        for rest in [
            "aac-128/%2e%2e/init.mp4",
            "aac-128%2Finit.mp4",
            "..%2f..%2foriginals",
            "../master.m3u8",
            "./master.m3u8",
            "aac-128//init.mp4",
            "aac-128/",
            "aac-128\\init.mp4",
            "master.m3u8%00",
            "master.m3u8\0",
            "m\u{e4}ster.m3u8",
            "master.m3u8;a",
            "master m3u8",
            "aac-128/init.mp4+",
        ] {
            assert_eq!(
                parse(&format!("/media/g/{SONG}/{OUTPUT}/{rest}")),
                Err(PathError::Malformed),
                "{rest}"
            );
        }
        assert_eq!(parse(&format!("/media//{SONG}/{OUTPUT}/master.m3u8")), Err(PathError::Malformed));
        assert_eq!(parse(&format!("/media/{}", "a".repeat(600))), Err(PathError::Malformed));
    }

    #[test]
    fn names_outside_the_grammar_are_unknown() {
        for rest in [
            "master.m3u",
            "Master.m3u8",
            "originals",
            "aac-128/1.m4s",
            "aac-128/000001.m4s",
            "aac-128/0000a.m4s",
            "aac-128/-0001.m4s",
            "aac-128/00001.mp4",
            "AAC/init.mp4",
            "-a/init.mp4",
            "a/b/init.mp4",
            "aaaaaaaaaaaaaaaaaaaaaaaa/init.mp4",
            "cover-.jpg",
            "cover-0.jpg",
            "cover-096.jpg",
            "cover-99999.jpg",
            "cover-96.png",
            "covers/96.jpg",
        ] {
            assert_eq!(parse(&format!("/media/g/{SONG}/{OUTPUT}/{rest}")), Err(PathError::Unknown), "{rest}");
        }
        for raw in ["/media/", "/media/g", "/originals/a/b", "/media/g/x/y/master.m3u8"] {
            assert!(parse(raw).is_err(), "{raw}");
        }
        assert_eq!(
            parse(&format!("/media/g/{}/{OUTPUT}/master.m3u8", SONG.to_uppercase())),
            Err(PathError::Unknown)
        );
        assert_eq!(parse(&format!("/media/g/{SONG}/master.m3u8")), Err(PathError::Unknown));
    }
}
