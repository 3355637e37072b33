//! WAV, RF64 and BW64: finds `fmt ` and `data`, steps over everything else, and writes a plain header for the
//! decoder.

use std::fs::File;

use super::{Container, Located};
use crate::Error;
use crate::mixdown::Position;
use crate::region::read_at;

/// What the size field says when the writer did not know the size, or when `ds64` has it.
const SIZE_UNKNOWN: u32 = u32::MAX;

/// The part of `fmt ` that matters.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    frame_bytes: u16,
    mask: u32,
}

pub(super) fn locate(file: &File, riff_at: u64, len: u64) -> Result<Located, Error> {
    let broken = || Error::Damaged("its WAV header breaks off".into());
    let mut format = None;
    let mut size_64 = None;
    let mut at = riff_at + 12;
    loop {
        let mut header = [0u8; 8];
        if read_at(file, at, &mut header)? < 8 {
            return Err(broken());
        }
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        at += 8;
        match &header[..4] {
            b"ds64" => {
                let mut body = [0u8; 16];
                if size < 16 || read_at(file, at, &mut body)? < 16 {
                    return Err(broken());
                }
                size_64 = Some(u64::from_le_bytes(body[8..16].try_into().expect("the slice has 8 bytes")));
            }
            b"fmt " => format = Some(read_format(file, at, size)?),
            b"data" => {
                let format =
                    format.ok_or_else(|| Error::Damaged("its sound comes before its header".into()))?;
                let declared = match size {
                    SIZE_UNKNOWN => size_64,
                    // Writers that stream leave 0 when they cannot go back; then all that follows is sound.
                    0 if at < len => None,
                    size => Some(u64::from(size)),
                };
                return data(&format, at, declared, len);
            }
            _ => {}
        }
        at += u64::from(size) + u64::from(size & 1);
    }
}

fn read_format(file: &File, at: u64, size: u32) -> Result<Format, Error> {
    let mut body = [0u8; 40];
    let want = (size as usize).min(40);
    if want < 16 || read_at(file, at, &mut body[..want])? < want {
        return Err(Error::Damaged("its WAV header is too short".into()));
    }
    let u16_at = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
    let (mut tag, mut mask) = (u16_at(0), 0);
    if tag == 0xfffe && want == 40 {
        mask = u32_at(20);
        // The first two bytes of the sub-format's GUID are the plain tag; the rest is the same for all of them.
        tag = u16_at(24);
    }
    Ok(Format { tag, channels: u16_at(2), rate: u32_at(4), frame_bytes: u16_at(12), mask })
}

fn data(format: &Format, start: u64, declared: Option<u64>, len: u64) -> Result<Located, Error> {
    let Format { tag, channels, rate, frame_bytes, mask } = *format;
    if channels == 0 || frame_bytes == 0 || frame_bytes % channels != 0 {
        return Err(Error::Damaged("its WAV header contradicts itself".into()));
    }
    // Narrower samples fill their container from the top (Microsoft, WAVEFORMATEXTENSIBLE), so the container's
    // width is all that the decoder has to know.
    let bits = (frame_bytes / channels).saturating_mul(8);
    match (tag, bits) {
        (1, 8 | 16 | 24 | 32) | (3, 32 | 64) | (6 | 7, 8) => {}
        (1 | 3, _) => return Err(Error::Unsupported(format!("WAV samples of {bits} bits"))),
        _ => return Err(Error::Unsupported(format!("WAV with codec number {tag:#06x}; send plain PCM"))),
    }
    let frame = u64::from(frame_bytes);
    let present = (len - start.min(len)) / frame;
    let frames = match declared {
        Some(bytes) if bytes / frame > present => {
            let (has, wants) =
                (present as f64 / f64::from(rate.max(1)), (bytes / frame) as f64 / f64::from(rate.max(1)));
            return Err(Error::Damaged(format!(
                "it breaks off after {has:.1} of {wants:.1} seconds; send it again"
            )));
        }
        Some(bytes) => bytes / frame,
        None => present,
    };
    if frames == 0 {
        return Err(Error::Empty("it is a WAV file without any sound".into()));
    }
    let bytes = u32::try_from(frames * frame)
        .ok()
        .filter(|bytes| *bytes < u32::MAX - 64)
        .ok_or_else(|| Error::Unsupported("WAV of 4 GiB or more; send FLAC".into()))?;
    Ok(Located {
        container: Container::Wav,
        head: plain_header(format, bits, bytes),
        start,
        end: start + u64::from(bytes),
        stored_bits: match tag {
            6 | 7 => 16,
            _ => u32::from(bits),
        },
        promised: Some(frames),
        positions: Position::of_mask(mask, usize::from(channels)),
        md5: None,
    })
}

/// RIFF, `fmt ` and the start of `data`.
fn plain_header(format: &Format, bits: u16, bytes: u32) -> Vec<u8> {
    let fmt_len: u32 = if format.tag == 1 { 16 } else { 18 };
    let mut head = b"RIFF".to_vec();
    head.extend((4 + 8 + fmt_len + 8 + bytes).to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend(fmt_len.to_le_bytes());
    head.extend(format.tag.to_le_bytes());
    head.extend(format.channels.to_le_bytes());
    head.extend(format.rate.to_le_bytes());
    head.extend(format.rate.wrapping_mul(u32::from(format.frame_bytes)).to_le_bytes());
    head.extend(format.frame_bytes.to_le_bytes());
    head.extend(bits.to_le_bytes());
    if fmt_len == 18 {
        head.extend([0, 0]);
    }
    head.extend(b"data");
    head.extend(bytes.to_le_bytes());
    head
}
