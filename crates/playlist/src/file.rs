//! Playlists as files of other programs. What a file says of a song is a hint; its paths are text and never touched.

mod m3u;
mod writer;
mod xspf;

pub(crate) use writer::Writer;

use crate::{Error, record::MOST_ITEMS};
use segue_proto::{playlist::v1 as pb, song::v1::SongHint};

/// Bytes of a file.
const MOST_BYTES: usize = 3 << 20;
/// Characters of what a file says of one thing.
const MOST_TEXT: usize = 500;
/// Characters of an entry that was not found.
const MOST_SHOWN: usize = 300;
/// Names a song by its id, wherever a name or an address is wanted.
pub(crate) const SONG_URN: &str = "segue:song:";

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    M3u,
    Xspf,
}

/// What is in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Parsed {
    /// What the file calls itself; empty when it does not.
    pub title: String,
    /// The first entries, as many as a playlist can have.
    pub entries: Vec<Entry>,
    /// How many more there are.
    pub beyond: u32,
}

/// One song in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entry {
    /// Its line, or its number among tracks; from 1.
    pub position: u32,
    pub hint: SongHint,
    /// Where the file has it.
    pub location: String,
}

impl Parsed {
    fn push(&mut self, entry: Entry) {
        if self.entries.len() < MOST_ITEMS as usize {
            self.entries.push(entry);
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }
}

impl Entry {
    /// What a person sees of it.
    pub(crate) fn text(&self) -> String {
        let SongHint { title, artist, .. } = &self.hint;
        let text = match (artist.is_empty(), title.is_empty()) {
            (false, false) => format!("{artist} - {title}"),
            (_, false) => title.clone(),
            _ => self.location.clone(),
        };
        text.chars().take(MOST_SHOWN).collect()
    }

    /// Takes an address or a name for what it says of the song.
    fn name(&mut self, name: &str) {
        let name = name.trim();
        if let Some(id) = name.strip_prefix(SONG_URN) {
            self.hint.song_id = tidy(id);
        } else if let Some(isrc) = strip_any(name, &["urn:isrc:", "isrc:"]) {
            self.hint.isrc = tidy(isrc);
        } else if let Some(id) = strip_any(name, &["mbid:", "urn:mbid:"]) {
            self.hint.musicbrainz_id = tidy(id);
        } else if let Some((_, id)) = name.split_once("musicbrainz.org/recording/") {
            self.hint.musicbrainz_id = tidy(id);
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`Error::Invalid`] for what is no such file.
pub(crate) fn parse(content: &[u8], format: Option<Format>) -> Result<Parsed, Error> {
    if content.is_empty() || content.len() > MOST_BYTES {
        return Err(Error::field("content", format!("the bytes of a file, 1 to {MOST_BYTES}")));
    }
    if content.contains(&0) {
        return Err(Error::field(
            "content",
            "an M3U8, M3U or XSPF file in UTF-8 or Latin-1; this is no text",
        ));
    }
    let text = decoded(content);
    let guess = if text.trim_start().starts_with('<') { Format::Xspf } else { Format::M3u };
    match format.unwrap_or(guess) {
        Format::Xspf => xspf::parse(&text).map_err(|e| Error::field("content", e)),
        Format::M3u => {
            let parsed = m3u::parse(&text);
            if format.is_none() && !m3u::is_likely(&text, &parsed) {
                return Err(Error::field(
                    "content",
                    "an M3U8, M3U or XSPF file; most lines of this name no file (give a format if it is one)",
                ));
            }
            Ok(parsed)
        }
    }
}

/// UTF-8, and when it is not, Latin-1, in which every byte is a character.
fn decoded(content: &[u8]) -> String {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => content.iter().copied().map(char::from).collect(),
    }
}

/// The format that a request names.
pub(crate) fn format(number: i32) -> Result<Option<Format>, Error> {
    match pb::Format::try_from(number) {
        Ok(pb::Format::Unspecified) => Ok(None),
        Ok(pb::Format::M3u8) => Ok(Some(Format::M3u)),
        Ok(pb::Format::Xspf) => Ok(Some(Format::Xspf)),
        Err(_) => Err(Error::field("format", "FORMAT_M3U8 or FORMAT_XSPF")),
    }
}

/// Text as it can be stored and shown: bounded, without control characters.
fn tidy(text: &str) -> String {
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect();
    clean.trim().to_owned()
}

/// The rest after one of these, in any case.
fn strip_any<'a>(text: &'a str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().find_map(|start| {
        let (head, rest) = text.split_at_checked(start.len())?;
        head.eq_ignore_ascii_case(start).then_some(rest)
    })
}
