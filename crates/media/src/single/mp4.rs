//! A progressive MP4 file (ISO/IEC 14496-12): the tables of all samples in front, then the samples.

use std::fs::File;
use std::io::Write;

use super::read::{Layout, Track, boxes, u32_at};
use super::{SingleTags, broken, copy};
use crate::Error;
use crate::boxes::Boxes;
use crate::init_file::matrix;
use crate::region::read_at;

/// `mdat` with a size of 64 bits, so that the offsets do not depend on how much follows.
const MDAT_HEAD: u64 = 16;
/// Samples in a frame of AAC.
const FRAME: u32 = 1024;
/// Largest `moov` that is read again, bytes: twelve hours of AAC make 10 MB.
const MOST_MOOV: u64 = 64 << 20;

/// Everything before the samples.
pub(super) fn head(
    track: &Track,
    layout: &Layout,
    tags: &SingleTags,
    out: &mut impl Write,
) -> Result<(), Error> {
    let duration = layout.duration();
    let samples = duration.checked_sub(u64::from(track.priming)).ok_or_else(|| broken("the edit list"))?;
    let (Ok(duration), Ok(shown)) = (u32::try_from(duration), u32::try_from(samples)) else {
        return Err(Error::Unsupported("the song is longer than one MP4 file can say".into()));
    };
    let mut ftyp = Boxes::default();
    ftyp.plain(b"ftyp", |out| {
        out.raw(b"M4A ").u32(0x200).raw(b"M4A mp42isom");
    });
    let ftyp = ftyp.into_bytes();
    let bytes: u64 = layout.chunks.iter().map(|(_, bytes)| bytes).sum();
    let song = Song { track, layout, duration, shown, gapless: gapless(track.priming, samples) };
    // Offsets depend on the size of what holds them, which does not depend on their values.
    let size = song.moov(tags, 0, true).len() as u64;
    let wide = ftyp.len() as u64 + size + MDAT_HEAD + bytes > u64::from(u32::MAX);
    let size = if wide { size } else { song.moov(tags, 0, false).len() as u64 };
    let moov = song.moov(tags, ftyp.len() as u64 + size + MDAT_HEAD, wide);
    out.write_all(&ftyp)?;
    out.write_all(&moov)?;
    out.write_all(&mdat_head(bytes))?;
    Ok(())
}

fn mdat_head(bytes: u64) -> [u8; 16] {
    let mut head = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    head[8..].copy_from_slice(&(bytes + MDAT_HEAD).to_be_bytes());
    head
}

/// The value of `iTunSMPB`: samples to drop in front, at the end, and to play.
fn gapless(priming: u32, samples: u64) -> String {
    format!(" 00000000 {priming:08X} 00000000 {samples:016X}{}", " 00000000".repeat(8))
}

struct Song<'a> {
    track: &'a Track,
    layout: &'a Layout,
    /// Of all samples, and of those that are played; in samples per channel.
    duration: u32,
    shown: u32,
    gapless: String,
}

impl Song<'_> {
    fn moov(&self, tags: &SingleTags, first: u64, wide: bool) -> Vec<u8> {
        let rate = self.track.rate;
        let mut out = Boxes::default();
        out.plain(b"moov", |out| {
            out.full(b"mvhd", 0, 0, |out| {
                out.zeros(8).u32(rate).u32(self.shown).u32(0x0001_0000).u16(0x0100).zeros(10);
                matrix(out);
                out.zeros(24).u32(2);
            });
            out.plain(b"trak", |out| self.trak(out, first, wide));
            out.plain(b"udta", |out| tags.itunes(&self.gapless, out));
        });
        out.into_bytes()
    }

    fn trak(&self, out: &mut Boxes, first: u64, wide: bool) {
        // Enabled, in movie, in preview.
        out.full(b"tkhd", 0, 7, |out| {
            out.zeros(8).u32(1).u32(0).u32(self.shown).zeros(8).u16(0).u16(0).u16(0x0100).u16(0);
            matrix(out);
            out.u32(0).u32(0);
        });
        // ffmpeg 5 plays nothing of an edit that is shorter than a frame. One that reaches beyond the media ends with it.
        out.plain(b"edts", |out| {
            out.full(b"elst", 0, 0, |out| {
                out.u32(1).u32(self.shown.max(FRAME)).u32(self.track.priming).u32(0x0001_0000);
            });
        });
        out.plain(b"mdia", |out| {
            out.full(b"mdhd", 0, 0, |out| {
                // Language "und".
                out.zeros(8).u32(self.track.rate).u32(self.duration).u16(0x55c4).u16(0);
            });
            out.full(b"hdlr", 0, 0, |out| {
                out.u32(0).raw(b"soun").zeros(12).raw(b"SoundHandler\0");
            });
            out.plain(b"minf", |out| {
                out.full(b"smhd", 0, 0, |out| {
                    out.zeros(4);
                });
                out.plain(b"dinf", |out| {
                    out.full(b"dref", 0, 0, |out| {
                        out.u32(1).full(b"url ", 0, 1, |_| {});
                    });
                });
                out.plain(b"stbl", |out| {
                    out.plain(b"stsd", |out| {
                        out.raw(&self.track.description);
                    });
                    self.tables(out, first, wide);
                });
            });
        });
        if let Some(loudness) = &self.track.loudness {
            out.plain(b"udta", |out| {
                out.plain(b"ludt", |out| {
                    out.raw(loudness);
                });
            });
        }
    }

    /// Durations, samples by chunk, sizes and offsets. A segment is a chunk.
    fn tables(&self, out: &mut Boxes, first: u64, wide: bool) {
        let durations = runs(self.layout.entries.iter().map(|(_, duration)| *duration));
        out.full(b"stts", 0, 0, |out| {
            out.u32(durations.len() as u32);
            for (_, count, duration) in &durations {
                out.u32(*count).u32(*duration);
            }
        });
        let chunks = runs(self.layout.chunks.iter().map(|(count, _)| *count));
        out.full(b"stsc", 0, 0, |out| {
            out.u32(chunks.len() as u32);
            for (start, _, samples) in &chunks {
                out.u32(start + 1).u32(*samples).u32(1);
            }
        });
        out.full(b"stsz", 0, 0, |out| {
            out.u32(0).u32(self.layout.entries.len() as u32);
            for (size, _) in &self.layout.entries {
                out.u32(*size);
            }
        });
        out.full(if wide { b"co64" } else { b"stco" }, 0, 0, |out| {
            out.u32(self.layout.chunks.len() as u32);
            let mut at = first;
            for (_, bytes) in &self.layout.chunks {
                if wide {
                    out.u64(at)
                } else {
                    out.u32(at as u32)
                };
                at += bytes;
            }
        });
    }
}

/// Where each run of equal values starts, how long it is, and the value.
fn runs(values: impl Iterator<Item = u32>) -> Vec<(u32, u32, u32)> {
    let mut runs: Vec<(u32, u32, u32)> = Vec::new();
    for (at, value) in values.enumerate() {
        match runs.last_mut() {
            Some((_, count, last)) if *last == value => *count += 1,
            _ => runs.push((at as u32, 1, value)),
        }
    }
    runs
}

/// The same samples with other tags: `moov` gets another end, and the offsets move by what it grew.
pub(super) fn retag(file: &File, tags: &SingleTags, out: &mut impl Write) -> Result<(), Error> {
    let (mut at, mut ftyp) = (0, Vec::new());
    loop {
        let mut head = [0; 8];
        if read_at(file, at, &mut head)? < 8 {
            return Err(broken("the file"));
        }
        let size = u64::from(u32_at(&head, 0)?);
        if !(8..=MOST_MOOV).contains(&size) {
            return Err(broken("the file"));
        }
        let mut bytes = vec![0; size as usize];
        if read_at(file, at, &mut bytes)? < bytes.len() {
            return Err(broken("the file"));
        }
        at += size;
        match &head[4..] {
            b"ftyp" => ftyp = bytes,
            b"moov" => {
                out.write_all(&ftyp)?;
                out.write_all(&with_tags(&bytes[8..], tags)?)?;
                // The samples and their head follow at once.
                return copy(file, at, out);
            }
            _ => return Err(broken("the file")),
        }
    }
}

/// A `moov` with other tags. `body` is what is in the old one.
fn with_tags(body: &[u8], tags: &SingleTags) -> Result<Vec<u8>, Error> {
    let find =
        |kind: &[u8; 4]| boxes(body).map(|all| all.into_iter().find(|(k, _)| k == kind).map(|(_, b)| b));
    let (Some(mvhd), Some(trak)) = (find(b"mvhd")?, find(b"trak")?) else { return Err(broken("the file")) };
    // What is played, and all there is.
    let samples = u32_at(mvhd, 16)?;
    let duration = u32_at(&trak[path(trak, &[b"mdia", b"mdhd"])?..], 16)?;
    let priming = duration.checked_sub(samples).ok_or_else(|| broken("the file"))?;
    let gapless = gapless(priming, u64::from(samples));
    let mut out = Boxes::default();
    out.plain(b"moov", |out| {
        out.plain(b"mvhd", |out| {
            out.raw(mvhd);
        });
        out.plain(b"trak", |out| {
            out.raw(trak);
        });
        out.plain(b"udta", |out| tags.itunes(&gapless, out));
    });
    let mut moov = out.into_bytes();
    let grown = moov.len() as i64 - (body.len() as i64 + 8);
    // moov's head, mvhd, trak's head.
    let start = 8 + 8 + mvhd.len() + 8;
    let stbl = [b"mdia", b"minf", b"stbl"];
    let (table, width) = match path(trak, &[&stbl[..], &[b"stco"]].concat()) {
        Ok(at) => (start + at, 4),
        Err(_) => (start + path(trak, &[&stbl[..], &[b"co64"]].concat())?, 8),
    };
    let count = u32_at(&moov, table + 4)? as usize;
    let rows = moov.get_mut(table + 8..table + 8 + count * width).ok_or_else(|| broken("the file"))?;
    for row in rows.chunks_exact_mut(width) {
        let old = row.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let new = old.checked_add_signed(grown).ok_or_else(|| broken("the file"))?;
        if width == 4 && new > u64::from(u32::MAX) {
            return Err(Error::Unsupported("the file grew beyond 4 GiB".into()));
        }
        row.copy_from_slice(&new.to_be_bytes()[8 - width..]);
    }
    Ok(moov)
}

/// Where in `bytes` the body of the box at the end of a path begins.
fn path(bytes: &[u8], path: &[&[u8; 4]]) -> Result<usize, Error> {
    let (mut start, mut inside) = (0, bytes);
    for kind in path {
        let mut at = start;
        let mut found = None;
        for (other, body) in boxes(inside)? {
            if other == **kind {
                found = Some((at + 8, body));
                break;
            }
            at += 8 + body.len();
        }
        (start, inside) = found.ok_or_else(|| broken("the file"))?;
    }
    Ok(start)
}
