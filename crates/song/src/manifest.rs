//! What this role reads of an output's `manifest.json`. Tolerant of everything else in it.

use serde::Deserialize;

/// The newest version that is understood.
pub(crate) const VERSION: u32 = 1;

/// One output. Names are relative to its folder.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub version: u32,
    pub rungs: Vec<ManifestRung>,
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
