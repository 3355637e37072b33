//! M3U and M3U8: one entry a line, with what is known of it in the comments before.

use super::{Entry, Parsed, tidy};
use segue_proto::song::v1::SongHint;

const PLAYLIST: &str = "#PLAYLIST:";
const EXTINF: &str = "#EXTINF:";
/// Our own: the song's id.
pub(super) const SEGUE_SONG: &str = "#SEGUE-SONG:";

pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut entry = Entry::default();
    // Old files end their lines by a carriage return alone.
    let ends = if text.contains('\n') { '\n' } else { '\r' };
    for (number, line) in (1..).zip(text.split(ends)) {
        let line = line.trim();
        if let Some(title) = strip(line, PLAYLIST) {
            parsed.title = tidy(title);
        } else if let Some(info) = strip(line, EXTINF) {
            inform(&mut entry, info);
        } else if let Some(id) = strip(line, SEGUE_SONG) {
            entry.hint.song_id = tidy(id);
        } else if !line.is_empty() && !line.starts_with('#') {
            let mut entry = std::mem::take(&mut entry);
            entry.position = number;
            entry.location = tidy(line);
            entry.name(line);
            if entry.hint.title.is_empty() && entry.hint.song_id.is_empty() {
                name_of_file(&mut entry, line);
            }
            parsed.push(entry);
        }
    }
    parsed
}

/// Whether a text of which nobody said what it is may be such a file: a line says so, or most lines end as the names of
/// files do, or name songs in another way.
pub(super) fn is_likely(text: &str, parsed: &Parsed) -> bool {
    let says = |line: &str| ["#EXTM3U", PLAYLIST, EXTINF].iter().any(|mark| strip(line, mark).is_some());
    let names = |entry: &&Entry| {
        let SongHint { song_id, isrc, musicbrainz_id, .. } = &entry.hint;
        let path = entry.location.split(['?', '#']).next().unwrap_or_default();
        let end = path.rsplit_once('.').map_or("", |(_, end)| end);
        let is_name = (2..=5).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphanumeric());
        is_name || [song_id, isrc, musicbrainz_id].into_iter().any(|id| !id.is_empty())
    };
    let named = parsed.entries.iter().filter(names).count();
    text.split(['\n', '\r']).any(|line| says(line.trim())) || (named > 0 && 2 * named >= parsed.entries.len())
}

fn strip<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    super::strip_any(line, &[start])
}

/// `123,Artist - Title`; some programs put `key="value"` behind the seconds.
fn inform(entry: &mut Entry, info: &str) {
    let Some((length, name)) = split_outside_quotes(info) else { return };
    let seconds: String = length.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    if let Ok(seconds) = seconds.parse::<f64>()
        && (0.0..1e7).contains(&seconds)
    {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range above")]
        {
            entry.hint.duration_ms = (seconds * 1000.0).round() as u64;
        }
    }
    credit(entry, name);
}

/// At the first comma that is not within quotes.
fn split_outside_quotes(info: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let comma = info.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ',' && !quoted
    });
    let (at, _) = comma?;
    Some((&info[..at], &info[at + 1..]))
}

/// `Artist - Title`, or a title alone.
fn credit(entry: &mut Entry, name: &str) {
    let (artist, title) = name.split_once(" - ").unwrap_or(("", name));
    entry.hint.artist = tidy(artist);
    entry.hint.title = tidy(title);
}

/// A file that says nothing of its songs has their names at least.
fn name_of_file(entry: &mut Entry, line: &str) {
    let name = line.rsplit(['/', '\\']).next().unwrap_or(line);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    credit(entry, stem);
}
