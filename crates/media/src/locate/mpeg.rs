//! MP3: looks for a header that promises a length.

use std::fs::File;

use super::trailing_tags::end_of_audio;
use super::{Container, Located};
use crate::Error;
use crate::region::read_at;

pub(super) fn locate(file: &File, start: u64, len: u64) -> Result<Located, Error> {
    let end = end_of_audio(file, start, len)?;
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
