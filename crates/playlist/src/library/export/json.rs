//! The file as text: one object, whose lists are written element by element.

use crate::library::{history, repository::Heard};
use prost_types::Timestamp;
use segue_mesh::to_proto;
use segue_proto::{
    identity::v1::{Session, User},
    song::v1::Song,
};
use serde_json::{Value, json};

/// Collects the file, and gives it away piece by piece.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Whether the list that is being written has an element.
    begun: bool,
}

impl Writer {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// At most `most` bytes from the front; `None` when there are none.
    pub(super) fn take(&mut self, most: usize) -> Option<Vec<u8>> {
        if self.bytes.is_empty() {
            return None;
        }
        let rest = self.bytes.split_off(self.bytes.len().min(most));
        Some(std::mem::replace(&mut self.bytes, rest))
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn value(&mut self, value: &Value) {
        self.text(&value.to_string());
    }

    /// A list begins.
    pub(super) fn open(&mut self, name: &str) {
        self.text(&format!(",\n{}:[", Value::from(name)));
        self.begun = false;
    }

    /// The next element begins; the caller writes it.
    pub(super) fn next(&mut self) {
        self.text(if self.begun { ",\n" } else { "\n" });
        self.begun = true;
    }

    /// The next element of the list.
    pub(super) fn element(&mut self, value: &Value) {
        self.next();
        self.value(value);
    }

    /// The list ends; the one around it goes on, with this as an element.
    pub(super) fn close(&mut self) {
        self.text("]");
        self.begun = true;
    }
}

/// A time as RFC 3339 has it.
pub(super) fn time(time: segue_domain::Timestamp) -> String {
    to_proto(time).to_string()
}

fn optional(time: Option<&Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

pub(super) fn account(user: &User) -> Value {
    json!({
        "user_id": user.user_id,
        "email": user.email,
        "display_name": user.display_name,
        "admin": user.admin,
        "create_time": optional(user.create_time.as_ref()),
    })
}

pub(super) fn session(session: &Session) -> Value {
    json!({
        "session_id": session.session_id,
        "device": session.device,
        "create_time": optional(session.create_time.as_ref()),
        "last_use_time": optional(session.last_use_time.as_ref()),
    })
}

pub(super) fn play(heard: &Heard) -> Value {
    let play = history::play(heard);
    json!({
        "event_id": play.event_id,
        "song_id": play.song_id,
        "start_time": optional(play.start_time.as_ref()),
        "played_ms": play.played_ms,
        "skipped": play.skipped,
        "context_id": play.context_id,
    })
}

/// What of a song of somebody else helps to know which one was meant; nothing when it is gone or hidden.
pub(super) fn name(song: Option<&Song>) -> Value {
    song.map_or(
        Value::Null,
        |song| json!({ "title": song.title, "artists": song.artists, "album": song.album }),
    )
}

/// A song of the account's own. Signed addresses are left out: they are leave to fetch, and end.
pub(super) fn song(song: &Song) -> Value {
    json!({
        "song_id": song.song_id,
        "state": song.state().as_str_name().trim_start_matches("SONG_STATE_"),
        "visibility": song.visibility().as_str_name().trim_start_matches("VISIBILITY_"),
        "title": song.title,
        "artists": song.artists,
        "album": song.album,
        "album_artist": song.album_artist,
        "genre": song.genre,
        "year": song.year,
        "track_number": song.track_number,
        "disc_number": song.disc_number,
        "duration_ms": song.duration_ms,
        "loudness_lufs": song.loudness_lufs,
        "true_peak_db": song.true_peak_db,
        "filename": song.filename,
        "size_bytes": song.size_bytes,
        "sha256": song.sha256,
        "isrc": song.isrc,
        "musicbrainz_id": song.musicbrainz_id,
        "create_time": optional(song.create_time.as_ref()),
        "update_time": optional(song.update_time.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json_with_any_number_of_elements() {
        let mut file = Writer::default();
        file.text("{\"a\":1");
        file.open("none");
        file.close();
        file.open("some \"of\" them");
        for n in 0..3 {
            file.next();
            file.text(&format!("{{\"n\":{n}"));
            file.open("inner");
            file.element(&json!("x\n\u{1}"));
            file.element(&json!(2));
            file.close();
            file.text("}");
        }
        file.close();
        file.text("}");
        let mut bytes = Vec::new();
        while let Some(piece) = file.take(7) {
            assert!(piece.len() <= 7 && !piece.is_empty());
            bytes.extend(piece);
        }
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(value["none"], json!([]));
        assert_eq!(value["some \"of\" them"][2], json!({ "n": 2, "inner": ["x\n\u{1}", 2] }));
    }
}
