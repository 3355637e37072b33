//! One file of a song: the segments of a rung joined without encoding anything again, tagged for players of files.
//!
//! AAC becomes a progressive MP4 with the same edit list that the stream has, so players drop the same samples; FLAC becomes
//! a native stream of the same frames. Memory is bounded by one segment and by the table of samples.

mod flac;
mod mp4;
mod read;
mod tags;

use std::fs::File;
use std::io::{self, Write};

use crate::Error;

pub use tags::SingleTags;

/// Joins a rung. `init` is its init file; `segment` reads one of `count` segments, counted from 0, and is asked for each
/// twice: what stands in front of an MP4 file depends on all of them.
pub fn single_file(
    init: &[u8],
    count: usize,
    segment: impl Fn(usize) -> io::Result<Vec<u8>>,
    tags: &SingleTags,
    out: impl Write,
) -> Result<(), Error> {
    let track = read::Track::of(init)?;
    let mut layout = read::Layout::default();
    for number in 0..count {
        layout.add(&segment(number)?, &track)?;
    }
    if layout.entries.is_empty() {
        return Err(Error::Empty("there are no samples in the segments".into()));
    }
    let mut out = io::BufWriter::with_capacity(1 << 20, out);
    match &track.flac {
        Some(streaminfo) => flac::head(streaminfo, &layout, tags, &mut out)?,
        None => mp4::head(&track, &layout, tags, &mut out)?,
    }
    for number in 0..count {
        let bytes = segment(number)?;
        out.write_all(read::samples(&bytes)?)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes a file that [`single_file`] made once more, with other tags around the same audio.
pub fn retag(file: &File, tags: &SingleTags, out: impl Write) -> Result<(), Error> {
    let mut start = [0; 4];
    crate::region::read_at(file, 0, &mut start)?;
    let mut out = io::BufWriter::with_capacity(1 << 20, out);
    match &start {
        b"fLaC" => flac::retag(file, tags, &mut out)?,
        _ => mp4::retag(file, tags, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

/// Copies a file from a position to its end.
fn copy(file: &File, mut at: u64, out: &mut impl Write) -> Result<(), Error> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = crate::region::read_at(file, at, &mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..read])?;
        at += read as u64;
    }
}

/// What is not as the packager writes it.
fn broken(what: &str) -> Error {
    Error::Damaged(format!("{what} is not as it was written"))
}
