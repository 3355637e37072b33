//! Finds out, from its bytes alone, what kind of audio a file holds and where in it the audio is.

mod flac;
mod mpeg;
mod trailing_tags;
mod wav;

use std::fs::File;

use crate::Error;
use crate::mixdown::Position;
use crate::region::read_at;

/// The kinds of file we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Mp3,
    Flac,
    Wav,
}

impl Container {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Wav => "wav",
        }
    }

    pub(crate) fn codec(self) -> &'static str {
        match self {
            Self::Wav => "pcm",
            other => other.name(),
        }
    }
}

/// Where the audio is, and what the file's headers say about it.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) container: Container,
    /// A header for the decoder, to be put in front of the audio bytes.
    pub(crate) head: Vec<u8>,
    /// First audio byte of the file.
    pub(crate) start: u64,
    /// One past the last audio byte.
    pub(crate) end: u64,
    /// Bits per sample as stored; 0 for MP3.
    pub(crate) stored_bits: u32,
    /// Samples per channel that the headers promise; none where there is no promise.
    pub(crate) promised: Option<u64>,
    /// Loudspeaker of each channel where the headers say or imply it; empty for MP3.
    pub(crate) positions: Vec<Position>,
    /// MD5 of the samples that a FLAC file promises.
    pub(crate) md5: Option<[u8; 16]>,
}

/// Looks at the bytes of `file`. The error says what the file is instead, where we know it.
pub(crate) fn locate(file: &File) -> Result<Located, Error> {
    let len = file.metadata()?.len();
    if len == 0 {
        return Err(Error::Empty("it has no bytes at all".into()));
    }
    let start = after_id3v2(file, len)?;
    let mut magic = [0u8; 16];
    let read = read_at(file, start, &mut magic)?;
    if read == 0 {
        return Err(Error::Empty("it holds tags but no sound".into()));
    }
    if magic.starts_with(b"fLaC") {
        return flac::locate(file, start, len);
    }
    if matches!(&magic[..4], b"RIFF" | b"RF64" | b"BW64") && &magic[8..12] == b"WAVE" {
        return wav::locate(file, start, len);
    }
    if let Some(error) = known_but_not_read(&magic) {
        return Err(error);
    }
    mpeg::locate(file, start, len)
}

/// The end of the ID3v2 tags at the front of the file (0 if there are none). Some files have several.
fn after_id3v2(file: &File, len: u64) -> Result<u64, Error> {
    let mut at = 0;
    loop {
        let mut header = [0u8; 10];
        if read_at(file, at, &mut header)? < 10 || !header.starts_with(b"ID3") || header[3] == 0xff {
            return Ok(at);
        }
        if header[6..10].iter().any(|byte| byte & 0x80 != 0) {
            return Ok(at);
        }
        let size = header[6..10].iter().fold(0u64, |size, byte| size << 7 | u64::from(*byte));
        let footer = if header[5] & 0x10 != 0 { 10 } else { 0 };
        at = (at + 10 + size + footer).min(len);
    }
}

fn known_but_not_read(magic: &[u8; 16]) -> Option<Error> {
    let unsupported = |what: &str| Some(Error::Unsupported(format!("{what}; send MP3, FLAC or WAV instead")));
    let not_audio = |what: &str| Some(Error::NotAudio(format!("it looks like {what}")));
    match magic {
        [b'O', b'g', b'g', b'S', ..] => unsupported("Ogg files (Vorbis, Opus) are not read yet"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
            unsupported("MP4 and M4A files (AAC, ALAC) are not read yet")
        }
        [b'F', b'O', b'R', b'M', ..] => unsupported("AIFF files are not read yet"),
        [b'A', b'D', b'I', b'F', ..] | [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..] => {
            unsupported("raw AAC is not read")
        }
        [b'M', b'A', b'C', b' ', ..] => unsupported("Monkey's Audio is not read"),
        [b'w', b'v', b'p', b'k', ..] => unsupported("WavPack is not read"),
        [b'M', b'T', b'h', b'd', ..] => unsupported("MIDI holds notes, not sound"),
        [0x30, 0x26, 0xb2, 0x75, ..] => unsupported("Windows Media files are not read"),
        [b'c', b'a', b'f', b'f', ..] => unsupported("Core Audio files are not read"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => unsupported("Matroska and WebM files are not read"),
        [b'R', b'I', b'F', b'F', ..] => not_audio("a RIFF file without sound, such as WebP or AVI"),
        [0xff, 0xd8, 0xff, ..] => not_audio("a JPEG picture"),
        [0x89, b'P', b'N', b'G', ..] => not_audio("a PNG picture"),
        [b'G', b'I', b'F', b'8', ..] => not_audio("a GIF picture"),
        [b'%', b'P', b'D', b'F', ..] => not_audio("a PDF document"),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => not_audio("a ZIP archive; send the files in it"),
        [0x1f, 0x8b, ..] => not_audio("a gzip archive"),
        [0x7f, b'E', b'L', b'F', ..] => not_audio("a program"),
        _ => None,
    }
}
