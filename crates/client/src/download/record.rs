//! What was written for a song, remembered beside it.

use serde::{Deserialize, Serialize};

/// How a song is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A folder with a master playlist.
    Hls,
    /// One file.
    Single,
}

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Relative to the song's folder; the file's own name when the song is one file.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// A song in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The song.
    pub song_id: String,
    /// How it is kept.
    pub form: Form,
    /// Its folder or file.
    pub name: String,
    /// The name that its metadata asked for, before names were told apart.
    pub wanted: String,
    /// Whether following a playlist wrote it, so that following may delete it.
    pub by_sync: bool,
    /// The rung.
    #[serde(default)]
    pub rung: String,
    /// What it was made of: changes with the audio.
    #[serde(default)]
    pub audio: String,
    /// What tags and cover say: changes with them.
    #[serde(default)]
    pub tags: String,
    /// Which cover it has; empty without one.
    #[serde(default)]
    pub cover: String,
    /// What was written. Empty until it is complete, but for the cover.
    #[serde(default)]
    pub files: Vec<KeptFile>,
    /// Everything was written.
    #[serde(default)]
    pub complete: bool,
}

impl Record {
    /// What was written under this name.
    pub fn file(&self, name: &str) -> Option<&KeptFile> {
        self.files.iter().find(|file| file.name == name)
    }
}
