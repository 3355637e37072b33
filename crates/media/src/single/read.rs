//! Init files and segments taken apart. They come over the network, so nothing in them is trusted.

use super::broken;
use crate::Error;

/// A box: its kind and what is in it.
type Found<'a> = ([u8; 4], &'a [u8]);

/// The boxes in `bytes`, one after the other.
pub(super) fn boxes(mut bytes: &[u8]) -> Result<Vec<Found<'_>>, Error> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = u32_at(bytes, 0)? as usize;
        if size < 8 || size > bytes.len() {
            return Err(broken("a box"));
        }
        let kind = [bytes[4], bytes[5], bytes[6], bytes[7]];
        found.push((kind, &bytes[8..size]));
        bytes = &bytes[size..];
    }
    Ok(found)
}

/// The first box of a kind in `bytes`.
fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, Error> {
    Ok(boxes(bytes)?.into_iter().find(|(found, _)| found == kind).map(|(_, body)| body))
}

/// The box at the end of a path.
fn at<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]]) -> Result<&'a [u8], Error> {
    for kind in path {
        bytes = child(bytes, kind)?.ok_or_else(|| broken("the init file"))?;
    }
    Ok(bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Error> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(u32::from_be_bytes).ok_or_else(|| broken("a box"))
}

/// What the init file says.
pub(super) struct Track {
    /// Samples per second.
    pub(super) rate: u32,
    /// Samples that a player drops at the start.
    pub(super) priming: u32,
    /// The sample description as it is.
    pub(super) description: Vec<u8>,
    /// The loudness box as it is.
    pub(super) loudness: Option<Vec<u8>>,
    /// STREAMINFO, when the codec is FLAC.
    pub(super) flac: Option<[u8; 34]>,
    /// Duration of a sample, in samples per channel, when a segment does not say.
    pub(super) default_duration: u32,
}

impl Track {
    pub(super) fn of(init: &[u8]) -> Result<Self, Error> {
        let moov = at(init, &[b"moov"])?;
        let trak = at(moov, &[b"trak"])?;
        let rate = u32_at(at(trak, &[b"mdia", b"mdhd"])?, 12)?;
        let priming = match child(trak, b"edts")? {
            Some(edts) => u32_at(at(edts, &[b"elst"])?, 12)?,
            None => 0,
        };
        let stsd = at(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
        let loudness = match child(trak, b"udta")? {
            Some(udta) => child(udta, b"ludt")?.map(<[u8]>::to_vec),
            None => None,
        };
        let trex = at(moov, &[b"mvex", b"trex"])?;
        if rate == 0 {
            return Err(broken("the init file"));
        }
        Ok(Self {
            rate,
            priming,
            description: stsd.to_vec(),
            loudness,
            flac: streaminfo(stsd)?,
            default_duration: u32_at(trex, 12)?,
        })
    }
}

/// STREAMINFO of the sample description's `fLaC` entry.
fn streaminfo(stsd: &[u8]) -> Result<Option<[u8; 34]>, Error> {
    let entries = stsd.get(8..).ok_or_else(|| broken("the sample description"))?;
    let Some(entry) = child(entries, b"fLaC")? else { return Ok(None) };
    let rest = entry.get(28..).ok_or_else(|| broken("the sample description"))?;
    let block = at(rest, &[b"dfLa"])?;
    let info = block.get(8..42).and_then(|info| info.try_into().ok());
    Ok(Some(info.ok_or_else(|| broken("the FLAC description"))?))
}

/// Where samples are, over all segments.
#[derive(Default)]
pub(super) struct Layout {
    /// Size in bytes and duration of each sample.
    pub(super) entries: Vec<(u32, u32)>,
    /// Samples and bytes of each segment.
    pub(super) chunks: Vec<(u32, u64)>,
}

impl Layout {
    /// Adds the samples of the next segment.
    pub(super) fn add(&mut self, segment: &[u8], track: &Track) -> Result<(), Error> {
        let traf = at(segment, &[b"moof", b"traf"])?;
        let tfhd = at(traf, &[b"tfhd"])?;
        // Flags 0x000008 default duration, 0x020000 base is moof; the packager writes no field before the duration.
        let default = match u32_at(tfhd, 0)? & 0x00ff_ffff {
            flags if flags & 0x13 != 0 => return Err(broken("a segment")),
            flags if flags & 0x08 != 0 => u32_at(tfhd, 8)?,
            _ => track.default_duration,
        };
        let trun = at(traf, &[b"trun"])?;
        let flags = u32_at(trun, 0)? & 0x00ff_ffff;
        // Offset, and size with or without duration per sample.
        if flags != 0x201 && flags != 0x301 {
            return Err(broken("a segment"));
        }
        let count = u32_at(trun, 4)?;
        let width = if flags == 0x301 { 8 } else { 4 };
        let table = trun.get(12..).ok_or_else(|| broken("a segment"))?;
        if table.len() as u64 != u64::from(count) * width {
            return Err(broken("a segment"));
        }
        let mut bytes = 0;
        for row in table.chunks_exact(width as usize) {
            let (duration, size) = match width {
                8 => (u32_at(row, 0)?, u32_at(row, 4)?),
                _ => (default, u32_at(row, 0)?),
            };
            bytes += u64::from(size);
            self.entries.push((size, duration));
        }
        if bytes != samples(segment)?.len() as u64 || count == 0 {
            return Err(broken("a segment"));
        }
        self.chunks.push((count, bytes));
        Ok(())
    }

    /// Sum of the durations.
    pub(super) fn duration(&self) -> u64 {
        self.entries.iter().map(|(_, duration)| u64::from(*duration)).sum()
    }
}

/// The samples of a segment, one after the other.
pub(super) fn samples(segment: &[u8]) -> Result<&[u8], Error> {
    child(segment, b"mdat")?.ok_or_else(|| broken("a segment"))
}
