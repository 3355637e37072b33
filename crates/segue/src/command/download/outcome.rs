//! What became of one song.

use crate::{command::Session, output};
use indicatif::{HumanBytes, MultiProgress};
use segue_client::proto::song::v1::Song;
use serde::Serialize;
use std::path::PathBuf;

/// As a script reads it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) song_id: String,
    /// What to play: a local master playlist, or the file.
    pub(crate) path: Option<PathBuf>,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    pub(crate) rung: String,
    /// Everything was there already.
    pub(crate) skipped: bool,
    pub(crate) error: Option<String>,
    /// Of the error, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What one might not expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// "Artist - Title".
    #[serde(skip)]
    pub(crate) title: String,
    #[serde(skip)]
    pub(crate) duration_ms: u64,
    /// Bytes that came over the network.
    #[serde(skip)]
    pub(crate) fetched: u64,
}

impl Outcome {
    /// Nothing yet.
    pub(crate) fn new(song_id: &str, song: Option<&Song>) -> Self {
        Self {
            song_id: song_id.to_owned(),
            path: None,
            bytes: 0,
            rung: String::new(),
            skipped: false,
            error: None,
            reason: None,
            note: None,
            title: song.map_or_else(|| song_id.to_owned(), title),
            duration_ms: song.map_or(0, |song| song.duration_ms),
            fetched: 0,
        }
    }

    /// It came to nothing.
    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        self.error = Some(output::message(error));
        self.reason = Some(output::judge(error).0);
    }

    /// Prints it.
    pub(crate) fn say(&self, session: &Session, bars: Option<&MultiProgress>) {
        if session.json {
            return output::json(self);
        }
        let path = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let mut text = match &self.error {
            Some(error) => format!("✗ {} ({}): {error}", self.title, self.song_id),
            None => {
                let word = if self.skipped { "already there" } else { "downloaded" };
                format!("✓ {} ({word}, {}, {})\n  {path}", self.title, self.rung, HumanBytes(self.bytes))
            }
        };
        if let Some(note) = &self.note {
            text.push_str(&format!("\n  {note}"));
        }
        match bars {
            Some(bars) => bars.suspend(|| output::text(&text)),
            None => output::text(&text),
        }
    }
}

/// "Artist - Title", as a terminal may have it.
fn title(song: &Song) -> String {
    output::clean(&match song.artists.is_empty() {
        true => song.title.clone(),
        false => format!("{} - {}", song.artists.join(", "), song.title),
    })
}
