//! The words of a song, as its tags have them.

mod find;
mod lrc;

use serde::{Deserialize, Serialize};

pub(crate) use find::find;

/// Most text that is kept, bytes.
const MOST_BYTES: usize = 64 << 10;
/// Most lines that are kept.
const MOST_LINES: usize = 5_000;
/// A time stamp beyond this is none: twice the longest song.
const LATEST_MS: u64 = 24 * 3_600_000;

/// The words of a song: at most 5,000 lines and 64 KiB of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lyrics {
    /// Whether the lines say when they are sung.
    pub synced: bool,
    /// ISO 639-2 code, small letters, if the tags give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// In the order in which they are sung.
    pub lines: Vec<LyricsLine>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LyricsLine {
    /// When it is sung, in milliseconds from the start; 0 in lyrics without times.
    pub start_ms: u64,
    /// Its words; empty for a pause.
    pub text: String,
}

/// Collects lines within the bounds.
#[derive(Debug, Default)]
struct Lines {
    lines: Vec<LyricsLine>,
    bytes: usize,
}

impl Lines {
    /// Adds a line, if there is room for it.
    fn push(&mut self, start_ms: u64, text: &str) {
        let text = clean(text);
        let fits = self.lines.len() < MOST_LINES && self.bytes + text.len() <= MOST_BYTES;
        if fits && start_ms <= LATEST_MS {
            self.bytes += text.len();
            self.lines.push(LyricsLine { start_ms, text });
        }
    }

    /// The lyrics; none without a word.
    fn done(mut self, synced: bool, language: Option<String>) -> Option<Lyrics> {
        // Stable: what is sung at the same time stays in the order of the file.
        self.lines.sort_by_key(|line| line.start_ms);
        let wordless = |line: &LyricsLine| line.text.is_empty();
        if !synced {
            let end = self.lines.iter().rposition(|line| !wordless(line)).map_or(0, |last| last + 1);
            self.lines.truncate(end);
            let start = self.lines.iter().position(|line| !wordless(line)).unwrap_or(0);
            self.lines.drain(..start);
        }
        let worded = self.lines.iter().any(|line| !wordless(line));
        worded.then_some(Lyrics { synced, language, lines: self.lines })
    }
}

/// Lyrics without times. The end of a text that is too long is left out.
fn plain(text: &str, language: Option<String>) -> Option<Lyrics> {
    let mut lines = Lines::default();
    split(bounded(text)).for_each(|line| lines.push(0, line));
    lines.done(false, language)
}

/// The beginning of a text that is looked at.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}

/// Lines, however their ends are written.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// A line without control characters and surrounding space. A byte order mark is no word.
fn clean(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control() && *c != '\u{feff}')
        .collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lyrics: &Lyrics) -> Vec<&str> {
        lyrics.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn plain_words_keep_their_pauses_but_not_around_them() {
        let lyrics = plain("\n\n one\0 \r\n\r\ntwo\u{7}\rthree\n \n", None).expect("words");
        assert_eq!((lyrics.synced, texts(&lyrics)), (false, vec!["one", "", "two", "three"]));
        assert_eq!(plain(" \n\r\n\0", None), None);
    }

    #[test]
    fn however_long_the_text_is_the_lyrics_are_bounded() {
        let lyrics = plain(&"a\n".repeat(100_000), None).expect("words");
        assert_eq!(lyrics.lines.len(), MOST_LINES);
        let lyrics = plain(&"ä".repeat(1 << 20), None).expect("words");
        assert_eq!(lyrics.lines[0].text.len(), MOST_BYTES);
        let lyrics = plain(&format!("{}\n", "x".repeat(1000)).repeat(1000), None).expect("words");
        assert!(lyrics.lines.iter().map(|line| line.text.len()).sum::<usize>() <= MOST_BYTES);
    }
}
