//! A queue file beside the songs: extended M3U in UTF-8 with relative names.

use std::fmt::Write;

/// A song in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Relative to the queue file, with `/`.
    pub path: String,
    /// "Artist - Title".
    pub title: String,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// The text of a queue.
pub fn queue(title: &str, entries: &[QueueEntry]) -> String {
    let mut text = format!("#EXTM3U\n#PLAYLIST:{}\n", one_line(title));
    for entry in entries {
        let seconds = (entry.duration_ms + 500) / 1000;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#EXTINF:{seconds},{}\n{}", one_line(&entry.title), entry.path);
    }
    text
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_two_lines_whatever_its_title() {
        let entry =
            QueueEntry { path: "A - B/master.m3u8".into(), title: "A - B\n#x".into(), duration_ms: 1500 };
        assert_eq!(
            queue("Mine\r", &[entry]),
            "#EXTM3U\n#PLAYLIST:Mine \n#EXTINF:2,A - B #x\nA - B/master.m3u8\n"
        );
    }
}
