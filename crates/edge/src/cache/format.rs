//! The format of a file in the disk cache: the body from byte 0 on (so that it is page-aligned), then a trailer, then
//! a footer of fixed size. Nothing in a file is believed before its checksums are right.
//!
//! Trailer: `body length(8) body CRC-32(4) etag length(2) etag key`; footer: `trailer length(4) trailer CRC-32(4)
//! magic(8)`; little endian.

use crate::path::Key;
use std::{fs::File, io, os::unix::fs::FileExt};

const MAGIC: &[u8; 8] = b"SEGEDGE1";
const FOOTER: usize = 16;
const FIXED: usize = 14;
/// No trailer of ours is longer.
const LONGEST: usize = 4096;

/// What the trailer says of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// Bytes of the body.
    pub(crate) size: u64,
    /// CRC-32 of the body.
    pub(crate) checksum: u32,
    /// The ETag, quoted.
    pub(crate) etag: String,
}

impl Trailer {
    /// Trailer and footer, to be written behind the body.
    pub(crate) fn encode(&self, key: &Key) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&self.size.to_le_bytes());
        bytes.extend_from_slice(&self.checksum.to_le_bytes());
        bytes.extend_from_slice(&(self.etag.len() as u16).to_le_bytes());
        bytes.extend_from_slice(self.etag.as_bytes());
        bytes.extend_from_slice(key.file_name().as_bytes());
        let (length, checksum) = (bytes.len() as u32, crc32fast::hash(&bytes));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// The trailer of an open file. `InvalidData` when the file is not a whole one of this key.
    pub(crate) fn read(file: &File, key: &Key) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let at = length.checked_sub(FOOTER as u64).ok_or_else(|| bad("file is too short"))?;
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, at)?;
        let size = u32::from_le_bytes([footer[0], footer[1], footer[2], footer[3]]) as usize;
        let checksum = u32::from_le_bytes([footer[4], footer[5], footer[6], footer[7]]);
        if footer[8..] != *MAGIC || !(FIXED..=LONGEST).contains(&size) {
            return Err(bad("file has no footer"));
        }
        let at = at.checked_sub(size as u64).ok_or_else(|| bad("file is too short"))?;
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, at)?;
        if crc32fast::hash(&bytes) != checksum {
            return Err(bad("trailer has another checksum"));
        }
        let (fixed, rest) = bytes.split_at(FIXED);
        let trailer = Self {
            size: u64::from_le_bytes(fixed[..8].try_into().map_err(io::Error::other)?),
            checksum: u32::from_le_bytes(fixed[8..12].try_into().map_err(io::Error::other)?),
            etag: rest
                .get(..usize::from(u16::from_le_bytes([fixed[12], fixed[13]])))
                .and_then(|etag| String::from_utf8(etag.to_vec()).ok())
                .ok_or_else(|| bad("trailer is too short"))?,
        };
        if trailer.size != at || rest[trailer.etag.len()..] != *key.file_name().as_bytes() {
            return Err(bad("file is of another object"));
        }
        Ok(trailer)
    }

    /// The whole body, checked.
    pub(crate) fn read_body(&self, file: &File) -> io::Result<Vec<u8>> {
        let mut body = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        file.read_exact_at(&mut body, 0)?;
        match crc32fast::hash(&body) == self.checksum {
            true => Ok(body),
            false => Err(bad("body has another checksum")),
        }
    }

    /// Checks the body without keeping it.
    pub(crate) fn check_body(&self, file: &File) -> io::Result<()> {
        let (mut hasher, mut at, mut buffer) = (crc32fast::Hasher::new(), 0, vec![0; 256 << 10]);
        while at < self.size {
            let wanted = usize::try_from(self.size - at).unwrap_or(usize::MAX).min(buffer.len());
            file.read_exact_at(&mut buffer[..wanted], at)?;
            hasher.update(&buffer[..wanted]);
            at += wanted as u64;
        }
        match hasher.finalize() == self.checksum {
            true => Ok(()),
            false => Err(bad("body has another checksum")),
        }
    }
}

fn bad(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
