//! XSPF, an XML. The parser knows the five entities of XML and characters by number; a document type is passed over, so that
//! nothing in it is expanded or fetched.

use super::{Entry, Parsed, tidy};
use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};

/// Elements within elements.
const DEEPEST: usize = 32;
/// Bytes of one text that are kept.
const MOST_TEXT: usize = 4096;

/// Reads a file; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let mut reader = Reader::from_str(text);
    let mut parsed = Parsed::default();
    let mut path: Vec<String> = Vec::new();
    let mut entry = Entry::default();
    let mut words = String::new();
    let mut tracks = 0;
    loop {
        let event = reader.read_event();
        let event = event.map_err(|e| format!("no XML at byte {}: {e}", reader.error_position()))?;
        match event {
            Event::Start(start) => {
                if path.len() == DEEPEST {
                    return Err(format!("elements more than {DEEPEST} deep"));
                }
                path.push(local(start.name().0));
                if path.len() == 1 && path[0] != "playlist" {
                    return Err(format!("no XSPF: it begins with <{}>", tidy(&path[0])));
                }
                words.clear();
            }
            Event::Text(text) => push(&mut words, &text.xml10_content()),
            Event::CData(data) => push(&mut words, &data.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(char)) => push(&mut words, char.encode_utf8(&mut [0; 4])),
                Ok(None) => push(&mut words, resolve_predefined_entity(&reference).unwrap_or_default()),
                Err(e) => return Err(format!("no XML at byte {}: {e}", reader.buffer_position())),
            },
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                match names[..] {
                    [_, "title"] => parsed.title = tidy(&words),
                    [_, "trackList", "track"] => {
                        tracks += 1;
                        entry.position = tracks;
                        parsed.push(std::mem::take(&mut entry));
                    }
                    [_, "trackList", "track", of_track] => take(&mut entry, of_track, &words),
                    _ => {}
                }
                path.pop();
                words.clear();
            }
            Event::Eof if path.is_empty() && reader.buffer_position() > 0 => return Ok(parsed),
            Event::Eof => return Err("the file ends in the middle".into()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn take(entry: &mut Entry, name: &str, words: &str) {
    match name {
        "title" => entry.hint.title = tidy(words),
        "creator" => entry.hint.artist = tidy(words),
        "duration" => entry.hint.duration_ms = words.trim().parse().unwrap_or(0),
        "identifier" => entry.name(words),
        "location" => {
            entry.location = tidy(words);
            entry.name(words);
        }
        _ => {}
    }
}

/// Adds to a text, as far as anybody would read it.
fn push(words: &mut String, more: &str) {
    if words.len() < MOST_TEXT {
        words.push_str(more);
    }
}

/// The name without the prefix of its namespace.
fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().to_owned()
}
