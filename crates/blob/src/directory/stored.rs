//! The file of a committed object: bytes (or none, when they are parts of a version), then properties as JSON, the
//! JSON's length, and a magic number. One file and one rename make an object; one open reads a small one.

use segue_domain::Timestamp;
use segue_ports::blob::Properties;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
};
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"SEGOBJ1\n";
/// Length of the JSON and the magic number.
const TRAILER: u64 = 12;
/// Properties of 50,000 parts stay far below this.
const MAX_JSON: u64 = 16 << 20;

/// What is known of a committed object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Quoted, as in HTTP.
    pub(crate) etag: String,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) content_type: String,
    /// As the uploader gave it (base64), unchecked for objects made of blocks, as on Azure.
    pub(crate) content_md5: Option<String>,
    pub(crate) modified: Timestamp,
    pub(crate) content: Content,
}

/// Where an object's bytes are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// In front of the properties.
    Inline,
    /// In the files of a version, in order.
    Parts {
        /// The version's folder.
        version: Uuid,
        /// Part `n` is the file `n`.
        parts: Vec<Part>,
    },
}

/// A block that was committed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Block id, base64.
    pub(crate) id: String,
    /// Bytes.
    pub(crate) size: u64,
}

impl Stored {
    pub(crate) fn properties(&self) -> Properties {
        Properties {
            etag: self.etag.clone(),
            size: self.size,
            content_type: self.content_type.clone(),
            modified: self.modified,
        }
    }
    /// The version that holds the parts, if there are any.
    pub(super) fn version(&self) -> Option<Uuid> {
        match &self.content {
            Content::Inline => None,
            Content::Parts { version, .. } => Some(*version),
        }
    }
    /// The committed blocks; none for an object that was put at once.
    pub(crate) fn parts(&self) -> &[Part] {
        match &self.content {
            Content::Inline => &[],
            Content::Parts { parts, .. } => parts,
        }
    }

    /// Writes the properties behind the bytes and makes the file durable.
    pub(super) fn finish(&self, file: &mut File) -> io::Result<()> {
        let mut tail = serde_json::to_vec(self)?;
        let length = u32::try_from(tail.len()).map_err(io::Error::other)?;
        tail.extend_from_slice(&length.to_le_bytes());
        tail.extend_from_slice(MAGIC);
        file.write_all(&tail)?;
        file.sync_all()
    }

    /// Opens the object at `path`; `None` when there is none.
    pub(super) fn open(path: &Path) -> io::Result<Option<(File, Self)>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let stored = Self::read(&file)?;
        Ok(Some((file, stored)))
    }

    fn read(file: &File) -> io::Result<Self> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file of an object is damaged");
        let length = file.metadata()?.len();
        // The usual properties fit into one read.
        let mut tail = vec![0; usize::try_from(length.min(2048)).map_err(io::Error::other)?];
        let start = length - tail.len() as u64;
        file.read_exact_at(&mut tail, start)?;
        let (rest, magic) = tail.split_last_chunk::<8>().ok_or_else(damaged)?;
        let (rest, json_length) = rest.split_last_chunk::<4>().ok_or_else(damaged)?;
        let json_length = u64::from(u32::from_le_bytes(*json_length));
        if magic != MAGIC || json_length > MAX_JSON || json_length + TRAILER > length {
            return Err(damaged());
        }
        let wanted = usize::try_from(json_length).map_err(io::Error::other)?;
        let stored: Self = if wanted <= rest.len() {
            serde_json::from_slice(&rest[rest.len() - wanted..])?
        } else {
            let mut json = vec![0; wanted];
            file.read_exact_at(&mut json, length - TRAILER - json_length)?;
            serde_json::from_slice(&json)?
        };
        let bytes = length - TRAILER - json_length;
        let fits = match &stored.content {
            Content::Inline => stored.size == bytes,
            Content::Parts { parts, .. } => parts.iter().map(|part| part.size).sum::<u64>() == stored.size,
        };
        fits.then_some(stored).ok_or_else(damaged)
    }
}

/// An ETag that no other commit has.
pub(super) fn new_etag() -> String {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    format!("\"0x{random:016X}\"")
}
