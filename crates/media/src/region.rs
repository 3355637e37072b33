//! The part of a file that holds audio, presented to the decoder as if it were the whole file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

/// A header of our own making followed by a stretch of a file.
///
/// Tags and pictures, which can be as large as a sender likes, are thus never shown to the decoder. Reads by
/// position, so the file's own position is neither used nor moved, and two passes can share a file.
pub(crate) struct Region<'f> {
    file: &'f File,
    head: Vec<u8>,
    start: u64,
    end: u64,
    pos: u64,
    reached: Arc<AtomicU64>,
}

impl<'f> Region<'f> {
    pub(crate) fn new(file: &'f File, head: Vec<u8>, start: u64, end: u64) -> Self {
        Self { file, head, start, end: end.max(start), pos: 0, reached: Arc::default() }
    }

    /// The furthest byte of the file read so far, counted from the start of the stretch.
    pub(crate) fn reached(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reached)
    }

    fn len(&self) -> u64 {
        self.head.len() as u64 + (self.end - self.start)
    }
}

impl Read for Region<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let head = self.head.len() as u64;
        let read = if self.pos < head {
            (&self.head[self.pos as usize..]).read(buf)?
        } else {
            let left = self.len().saturating_sub(self.pos).min(buf.len() as u64) as usize;
            let at = self.pos - head;
            let read = self.file.read_at(&mut buf[..left], self.start + at)?;
            self.reached.fetch_max(at + read as u64, Ordering::Relaxed);
            read
        };
        self.pos += read as u64;
        Ok(read)
    }
}

impl Seek for Region<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let pos = match to {
            SeekFrom::Start(pos) => Some(pos),
            SeekFrom::End(delta) => self.len().checked_add_signed(delta),
            SeekFrom::Current(delta) => self.pos.checked_add_signed(delta),
        };
        self.pos = pos.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.pos)
    }
}

impl MediaSource for Region<'_> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len())
    }
}

/// Reads up to `buf.len()` bytes at `at`; fewer only at the end of the file.
pub(crate) fn read_at(file: &File, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], at + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
