//! What this role reads of an output: its `manifest.json`, tolerant of everything else in it, and the playlists it names.

use crate::Error;
use bytes::BytesMut;
use futures::TryStreamExt;
use segue_domain::{ObjectName, OutputId, SongId};
use segue_ports::blob::{BlobError, BlobStore};
use serde::Deserialize;

/// The newest version that is understood.
const VERSION: u32 = 1;
/// The largest manifest or playlist that is read, bytes. Twelve hours in four rungs make less than 6 MB.
const MOST_BYTES: usize = 32 << 20;

/// One output. Names are relative to its folder.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub version: u32,
    pub rungs: Vec<ManifestRung>,
    /// The words, when the tags have them. Older encoders did not look.
    #[serde(default)]
    pub lyrics: Option<ManifestLyrics>,
}

/// One rendition.
#[derive(Debug, Deserialize)]
pub(crate) struct ManifestRung {
    pub name: String,
    /// Name of its media playlist.
    pub playlist: String,
    pub init: Object,
    pub segments: Vec<Object>,
}

/// One object.
#[derive(Debug, Deserialize)]
pub(crate) struct Object {
    pub name: String,
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// The words of a song.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ManifestLyrics {
    /// Whether the lines have times.
    pub synced: bool,
    /// ISO 639-2 code; empty when unknown.
    #[serde(default)]
    pub language: String,
    pub lines: Vec<ManifestLine>,
}

/// One line.
#[derive(Debug, Deserialize)]
pub(crate) struct ManifestLine {
    /// Milliseconds from the start.
    pub start_ms: u64,
    pub text: String,
}

/// Why an output cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("{0}")]
    Corrupt(String),
}

impl Unreadable {
    /// The error of a call that needed to read it.
    pub(crate) fn of(&self, song: SongId, output: OutputId) -> Error {
        match self {
            Self::Blob(error) => Error::Blob(error.clone()),
            Self::Corrupt(text) => Error::Internal(format!("output {output} of song {song}: {text}")),
        }
    }
}

/// The manifest of an output.
pub(crate) async fn load(
    blob: &dyn BlobStore,
    song: SongId,
    output: OutputId,
) -> Result<Manifest, Unreadable> {
    let json = read(blob, song, output, "manifest.json").await?;
    let manifest: Manifest = serde_json::from_slice(&json)
        .map_err(|e| Unreadable::Corrupt(format!("manifest does not parse: {e}")))?;
    match manifest.version {
        ..=VERSION => Ok(manifest),
        version => Err(Unreadable::Corrupt(format!("manifest has the unknown version {version}"))),
    }
}

/// An object of an output, whole.
pub(crate) async fn read(
    blob: &dyn BlobStore,
    song: SongId,
    output: OutputId,
    name: &str,
) -> Result<BytesMut, Unreadable> {
    let object = ObjectName::media(song, output, name).map_err(|e| Unreadable::Corrupt(e.to_string()))?;
    let mut download = blob.get(&object, None, None).await?;
    let mut bytes = BytesMut::new();
    while let Some(part) = download.body.try_next().await? {
        if bytes.len() + part.len() > MOST_BYTES {
            return Err(Unreadable::Corrupt(format!("{name} is larger than {MOST_BYTES} bytes")));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}
