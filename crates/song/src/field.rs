//! What may be in the fields of a request, and what is made of tags that nobody checked.

use crate::Error;
use sea_orm::prelude::Uuid;
use segue_domain::{FieldViolation, Visibility};
use segue_proto::song::v1 as pb;
use std::str::FromStr;

/// Characters in a title, an artist's name, an album.
pub(crate) const MOST_TEXT: usize = 500;
/// Artists of one song.
pub(crate) const MOST_ARTISTS: usize = 50;
/// The largest year, track and disc number.
pub(crate) const MOST_NUMBER: u32 = 9999;
const MOST_FILENAME: usize = 255;
/// What page_size 0 means to a scan.
const SCAN_SIZE: u32 = 500;
/// The largest page of a scan.
const MOST_SCANNED: u32 = 1_000;
/// Characters of a failure's message that are kept.
const MOST_MESSAGE: usize = 1000;

/// Collects everything that is wrong with a request, so that the caller hears it at once.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldViolation>);

impl Checks {
    pub(crate) fn refuse(&mut self, field: &str, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    pub(crate) fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }

    /// Text of at most `most` characters, none of them a control character.
    pub(crate) fn text(&mut self, field: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.refuse(field, format!("at most {most} characters"));
        } else if text.chars().any(char::is_control) {
            self.refuse(field, "no control characters");
        }
    }

    pub(crate) fn filename(&mut self, field: &str, name: &str) {
        self.text(field, name, MOST_FILENAME);
        if name.is_empty() {
            self.refuse(field, "the name of the file, such as 'song.flac'");
        } else if name.contains(['/', '\\']) {
            self.refuse(field, "a file name without folders");
        }
    }

    pub(crate) fn number(&mut self, field: &str, number: u32) {
        if number > MOST_NUMBER {
            self.refuse(field, format!("at most {MOST_NUMBER}; 0 when unknown"));
        }
    }

    /// A visibility; unspecified is private.
    pub(crate) fn visibility(&mut self, field: &str, number: i32) -> Visibility {
        match pb::Visibility::try_from(number) {
            Ok(pb::Visibility::Unspecified | pb::Visibility::Private) => Visibility::Private,
            Ok(pb::Visibility::Unlisted) => Visibility::Unlisted,
            Ok(pb::Visibility::Public) => Visibility::Public,
            Err(_) => {
                self.refuse(field, "VISIBILITY_PRIVATE, VISIBILITY_UNLISTED or VISIBILITY_PUBLIC");
                Visibility::Private
            }
        }
    }

    /// A SHA-256 in hex, made lower case.
    pub(crate) fn sha256(&mut self, field: &str, text: &str) -> String {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.refuse(field, "the SHA-256 of the bytes, 64 hex digits");
        }
        text.to_ascii_lowercase()
    }
}

/// The size of a page of a scan: for roles, which take larger ones than people.
pub(crate) fn scan_size(checks: &mut Checks, page_size: i32) -> u32 {
    match u32::try_from(page_size) {
        Ok(0) => SCAN_SIZE,
        Ok(size) => size.min(MOST_SCANNED),
        Err(_) => {
            checks.refuse("page_size", format!("not negative; 0 means {SCAN_SIZE}"));
            SCAN_SIZE
        }
    }
}

/// An id in a request.
pub(crate) fn id<T: FromStr<Err = segue_domain::IdError>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::field(field, e.to_string()))
}

/// Text from a file as it can be stored: no control characters (PostgreSQL takes no NUL), bounded, trimmed.
pub(crate) fn tidy(text: &str) -> String {
    tidy_to(text, MOST_TEXT)
}

/// A failure's message, as [`tidy`].
pub(crate) fn tidy_message(text: &str) -> String {
    tidy_to(text, MOST_MESSAGE)
}

fn tidy_to(text: &str, most: usize) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    clean.trim().to_owned()
}

/// An ISRC as it is stored: twelve letters and digits, upper case; empty when the text is none.
pub(crate) fn isrc(text: &str) -> String {
    let plain = text.chars().filter(|c| !matches!(c, '-' | ' ')).take(13);
    let isrc: String = plain.map(|c| c.to_ascii_uppercase()).collect();
    let fits = isrc.len() == 12 && isrc.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits { isrc } else { String::new() }
}

/// A MusicBrainz id as it is stored: a UUID in its canonical form; empty when the text is none.
pub(crate) fn musicbrainz_id(text: &str) -> String {
    Uuid::try_parse(text.trim()).map(|id| id.hyphenated().to_string()).unwrap_or_default()
}

/// A title from a file name: without the extension.
pub(crate) fn title_of(filename: &str) -> String {
    match filename.rsplit_once('.') {
        Some((stem, _)) if !stem.trim().is_empty() => stem.trim().to_owned(),
        _ => filename.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_file_name_without_its_extension() {
        for (name, title) in [("a.b.flac", "a.b"), ("song", "song"), (".hidden", ".hidden"), (" x .mp3", "x")]
        {
            assert_eq!(title_of(name), title);
        }
    }

    #[test]
    fn file_names_are_names() {
        for bad in ["", "a/b", "a\\b", "a\nb", "a\0", &"x".repeat(256)] {
            let mut checks = Checks::default();
            checks.filename("filename", bad);
            assert!(checks.done().is_err(), "{bad:?}");
        }
        let mut checks = Checks::default();
        checks.filename("filename", &"ü".repeat(255));
        assert!(checks.done().is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn codes_have_one_spelling() {
        assert_eq!(isrc("us-rc1-76-07839"), "USRC17607839");
        for bad in ["", "USRC1760783", "USRC176078390", "USRC1760783ä", "US_RC17607839"] {
            assert_eq!(isrc(bad), "", "{bad:?}");
        }
        let id = "b1a9c0e9-d987-4042-ae91-78d6a3267d69";
        assert_eq!(musicbrainz_id(&format!(" {} ", id.to_uppercase())), id);
        assert_eq!(musicbrainz_id("none"), "");
    }

    #[test]
    fn tags_are_made_storable() {
        assert_eq!(tidy(" a\0b\n "), "ab");
        assert_eq!(tidy(&"ü".repeat(600)).chars().count(), 500);
    }
}
