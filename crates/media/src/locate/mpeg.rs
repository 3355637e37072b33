//! MP3: cuts the tags at the end off, and looks for a header that promises a length.

use std::fs::File;

use super::{Container, Located};
use crate::Error;
use crate::region::read_at;

pub(super) fn locate(file: &File, start: u64, len: u64) -> Result<Located, Error> {
    let end = before_trailing_tags(file, start, len)?;
    if end == start {
        return Err(Error::Empty("it holds tags but no sound".into()));
    }
    Ok(Located {
        container: Container::Mp3,
        head: Vec::new(),
        start,
        end,
        stored_bits: 0,
        promised: promised_samples(file, start)?,
        positions: Vec::new(),
        md5: None,
    })
}

/// Where the audio ends. ID3v1, APEv2 and Lyrics3 at the end must not reach the decoder: a cover in one of them
/// can hold bytes that look like MP3 frames.
fn before_trailing_tags(file: &File, start: u64, len: u64) -> Result<u64, Error> {
    let mut end = len;
    loop {
        let mut tail = [0u8; 128];
        let take = 128.min(end - start) as usize;
        let tail = &mut tail[..take];
        read_at(file, end - take as u64, tail)?;
        let cut = if take == 128 && tail.starts_with(b"TAG") {
            128
        } else if take >= 32 && tail[take - 32..].starts_with(b"APETAGEX") {
            ape_size(&tail[take - 32..])
        } else if take >= 15 && tail.ends_with(b"LYRICS200") {
            let digits = std::str::from_utf8(&tail[take - 15..take - 9]).unwrap_or("");
            digits.parse::<u64>().map_or(0, |size| size + 15)
        } else {
            0
        };
        if cut == 0 || cut > end - start {
            return Ok(end);
        }
        end -= cut;
    }
}

/// Size of the tag whose footer this is: the size field counts items and footer, but not a header.
fn ape_size(footer: &[u8]) -> u64 {
    let field = |at: usize| u32::from_le_bytes([footer[at], footer[at + 1], footer[at + 2], footer[at + 3]]);
    let header = if field(20) & 0x8000_0000 != 0 { 32 } else { 0 };
    u64::from(field(12)).max(32) + header
}

/// Samples per channel according to a Xing, Info or VBRI header in the first frame, encoder delay included.
fn promised_samples(file: &File, start: u64) -> Result<Option<u64>, Error> {
    let mut head = [0u8; 64];
    if read_at(file, start, &mut head)? < 64 || head[0] != 0xff || head[1] & 0xe6 != 0xe2 {
        return Ok(None);
    }
    let mpeg1 = head[1] & 0x18 == 0x18;
    let mono = head[3] & 0xc0 == 0xc0;
    let side_info = match (mpeg1, mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let field = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let xing = 4 + side_info;
    let frames = if matches!(&head[xing..xing + 4], b"Xing" | b"Info") && field(xing + 4) & 1 != 0 {
        field(xing + 8)
    } else if &head[36..40] == b"VBRI" {
        field(36 + 14)
    } else {
        0
    };
    let frame = if mpeg1 { 1152 } else { 576 };
    Ok((frames > 0).then_some(u64::from(frames) * frame))
}
