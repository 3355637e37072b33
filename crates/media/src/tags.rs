//! What a file says about itself, read by lofty.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{FileType, TaggedFileExt};
use lofty::picture::{Picture, PictureType};
use lofty::probe::Probe;
use lofty::tag::{ItemKey, Tag};
use serde::{Deserialize, Serialize};

use crate::locate::{Container, Located};
use crate::lyrics::{self, Lyrics};
use crate::region::Region;
use crate::{Limits, cover};

/// Longest text of a tag, in characters.
const MOST_CHARACTERS: usize = 1000;

/// Most artists.
const MOST_ARTISTS: usize = 50;

/// Descriptive tags, trimmed; text is at most 1,000 characters each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tags {
    /// Title of the song.
    pub title: Option<String>,
    /// Its artists, in the file's order, without repeats.
    pub artists: Vec<String>,
    /// The album.
    pub album: Option<String>,
    /// The album's artist.
    pub album_artist: Option<String>,
    /// The composer.
    pub composer: Option<String>,
    /// The genre.
    pub genre: Option<String>,
    /// Year of the recording or release.
    pub year: Option<u32>,
    /// Number on the disc.
    pub track: Option<u32>,
    /// Number of the disc.
    pub disc: Option<u32>,
    /// International Standard Recording Code, upper case, without hyphens.
    pub isrc: Option<String>,
    /// MusicBrainz recording id, a UUID in small letters.
    pub musicbrainz_id: Option<String>,
}

/// All that a file says about itself.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) tags: Tags,
    pub(crate) lyrics: Option<Lyrics>,
    pub(crate) cover: Option<Cover>,
}

/// The cover picture as stored in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The bytes, not decoded and not trusted.
    pub bytes: Vec<u8>,
    /// The media type the file claims, if any.
    pub mime: Option<String>,
}

/// Tags, words and cover of a file. A song with broken tags is still a song, so nothing here fails.
pub(crate) fn read(file: &File, len: u64, located: &Located, limits: &Limits) -> Told {
    if len - (located.end - located.start) > limits.tags_max_bytes {
        return Default::default();
    }
    let reader = BufReader::new(Region::new(file, Vec::new(), 0, len));
    let kind = match located.container {
        Container::Mp3 => FileType::Mpeg,
        Container::Flac => FileType::Flac,
        Container::Wav => FileType::Wav,
    };
    let options = ParseOptions::new().read_properties(false).parsing_mode(ParsingMode::Relaxed);
    // A panic in a parser of hostile bytes costs the tags, not the song.
    let parsed =
        catch_unwind(AssertUnwindSafe(|| Probe::with_file_type(reader, kind).options(options).read()));
    let Ok(Ok(parsed)) = parsed else {
        return Default::default();
    };
    let primary = parsed.primary_tag_type();
    let mut tags: Vec<&Tag> = parsed.tags().iter().collect();
    tags.sort_by_key(|tag| tag.tag_type() != primary);
    let lyrics = catch_unwind(AssertUnwindSafe(|| lyrics::find(&tags))).ok().flatten();
    Told { tags: collect(&tags), lyrics, cover: front_cover(&tags, limits) }
}

/// The first tag that has a value wins; the file's own kind of tag comes first.
fn collect(tags: &[&Tag]) -> Tags {
    let first = |keys: &[ItemKey]| {
        let mut found = tags.iter().flat_map(|tag| keys.iter().flat_map(|key| tag.get_strings(*key)));
        found.find_map(clean)
    };
    let number = |keys: &[ItemKey]| {
        let text = first(keys)?;
        // "3/12" names the third of twelve.
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok().filter(|number| (1..=100_000).contains(number))
    };
    let mut artists: Vec<String> = Vec::new();
    for key in [ItemKey::TrackArtists, ItemKey::TrackArtist] {
        for tag in tags {
            if artists.is_empty() {
                // ID3v2.4 separates several values by NUL.
                let all = tag.get_strings(key).flat_map(|text| text.split('\0')).filter_map(clean);
                for artist in all.take(MOST_ARTISTS) {
                    if !artists.contains(&artist) {
                        artists.push(artist);
                    }
                }
            }
        }
    }
    Tags {
        title: first(&[ItemKey::TrackTitle]),
        artists,
        album: first(&[ItemKey::AlbumTitle]),
        album_artist: first(&[ItemKey::AlbumArtist]),
        composer: first(&[ItemKey::Composer]),
        genre: first(&[ItemKey::Genre]),
        year: first(&[
            ItemKey::RecordingDate,
            ItemKey::Year,
            ItemKey::ReleaseDate,
            ItemKey::OriginalReleaseDate,
        ])
        .and_then(|date| date.get(..4)?.parse().ok())
        .filter(|year| *year > 0),
        track: number(&[ItemKey::TrackNumber]),
        disc: number(&[ItemKey::DiscNumber]),
        isrc: first(&[ItemKey::Isrc])
            .map(|text| {
                text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
            })
            .filter(|isrc| isrc.len() == 12),
        musicbrainz_id: first(&[ItemKey::MusicBrainzRecordingId])
            .map(|text| text.to_ascii_lowercase())
            .filter(|text| is_uuid(text)),
    }
}

/// Hyphens and hexadecimal digits where a UUID has them.
fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// Without control characters and surrounding space; none if nothing is left.
fn clean(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text: String = text.trim().chars().take(MOST_CHARACTERS).collect();
    (!text.is_empty()).then_some(text)
}

/// The front cover if there is one, else the first picture; only pictures of a kind and size that can be read.
fn front_cover(tags: &[&Tag], limits: &Limits) -> Option<Cover> {
    let fits = |picture: &&Picture| {
        picture.data().len() <= limits.cover_max_bytes
            && cover::pixels(picture.data()).is_some_and(|pixels| pixels <= limits.cover_max_pixels)
    };
    let pictures = || tags.iter().flat_map(|tag| tag.pictures()).filter(fits);
    let front = pictures().find(|picture| picture.pic_type() == PictureType::CoverFront);
    let picture = front.or_else(|| pictures().next())?;
    let mime = picture.mime_type().map(|mime| mime.as_str().to_owned());
    Some(Cover { bytes: picture.data().to_vec(), mime })
}
