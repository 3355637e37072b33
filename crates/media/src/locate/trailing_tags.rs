//! ID3v1, APEv2 and Lyrics3 at the end of a file. They must not reach the decoder: a cover in one of them can hold
//! bytes that look like MP3 frames, and any of them spoils the last frame of FLAC.

use std::fs::File;

use crate::Error;
use crate::region::read_at;

/// Where the audio that starts at `start` ends.
pub(super) fn end_of_audio(file: &File, start: u64, len: u64) -> Result<u64, Error> {
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
