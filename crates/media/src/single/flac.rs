//! A native FLAC stream (RFC 9639) of the frames that the segments hold.

use std::fs::File;
use std::io::Write;

use super::read::Layout;
use super::{SingleTags, broken, copy};
use crate::Error;
use crate::region::read_at;

const STREAMINFO: u8 = 0;
const PADDING: u8 = 1;
const SEEKTABLE: u8 = 3;
const VORBIS_COMMENT: u8 = 4;
const PICTURE: u8 = 6;
/// Marks the last block before the frames.
const LAST: u8 = 0x80;
/// Most that a block can hold, bytes.
const MOST_BLOCK: usize = 0xff_ffff;
/// Room for other programs to write tags without moving the audio, bytes.
const ROOM: usize = 4096;
/// Most points of a seek table that fit in a block.
const MOST_POINTS: usize = MOST_BLOCK / 18;

/// Everything before the frames.
pub(super) fn head(
    streaminfo: &[u8; 34],
    layout: &Layout,
    tags: &SingleTags,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut info = *streaminfo;
    // Smallest and largest frame were not known when the init file was written.
    let sizes = layout.entries.iter().map(|(size, _)| *size);
    let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
    if most <= MOST_BLOCK as u32 {
        info[4..7].copy_from_slice(&least.to_be_bytes()[1..]);
        info[7..10].copy_from_slice(&most.to_be_bytes()[1..]);
    }
    out.write_all(b"fLaC")?;
    block(STREAMINFO, &info, out)?;
    block(SEEKTABLE, &seek_table(layout), out)?;
    tag_blocks(tags, out)
}

/// A point at the start of each segment.
fn seek_table(layout: &Layout) -> Vec<u8> {
    let (mut table, mut next, mut sample, mut offset) = (Vec::new(), 0, 0u64, 0u64);
    for (count, bytes) in layout.chunks.iter().take(MOST_POINTS) {
        let entries = &layout.entries[next..next + *count as usize];
        table.extend(sample.to_be_bytes());
        table.extend(offset.to_be_bytes());
        table.extend((entries.first().map_or(0, |(_, duration)| *duration) as u16).to_be_bytes());
        sample += entries.iter().map(|(_, duration)| u64::from(*duration)).sum::<u64>();
        offset += bytes;
        next += entries.len();
    }
    table
}

/// Tags, cover and some room; the last of them is the last block of all.
fn tag_blocks(tags: &SingleTags, out: &mut impl Write) -> Result<(), Error> {
    block(VORBIS_COMMENT, &tags.vorbis(), out)?;
    if let Some(cover) = &tags.cover {
        let picture = picture(cover);
        // A cover that is too large costs the cover, not the song.
        if picture.len() <= MOST_BLOCK {
            block(PICTURE, &picture, out)?;
        }
    }
    block(PADDING | LAST, &[0; ROOM], out)
}

/// A front cover. Its size in pixels is left unknown, as the format allows.
fn picture(jpeg: &[u8]) -> Vec<u8> {
    let mime = b"image/jpeg";
    let mut out = 3u32.to_be_bytes().to_vec();
    out.extend((mime.len() as u32).to_be_bytes());
    out.extend(mime);
    // Description, width, height, depth, colours.
    out.extend([0; 20]);
    out.extend((jpeg.len() as u32).to_be_bytes());
    out.extend(jpeg);
    out
}

fn block(kind: u8, body: &[u8], out: &mut impl Write) -> Result<(), Error> {
    if body.len() > MOST_BLOCK {
        return Err(Error::Encoder("the tags are larger than FLAC allows".into()));
    }
    out.write_all(&[kind])?;
    out.write_all(&(body.len() as u32).to_be_bytes()[1..])?;
    out.write_all(body)?;
    Ok(())
}

/// The same frames with other tags.
pub(super) fn retag(file: &File, tags: &SingleTags, out: &mut impl Write) -> Result<(), Error> {
    out.write_all(b"fLaC")?;
    let mut at = 4;
    loop {
        let mut head = [0; 4];
        if read_at(file, at, &mut head)? < 4 {
            return Err(broken("the file"));
        }
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        if matches!(head[0] & !LAST, STREAMINFO | SEEKTABLE) {
            let mut body = vec![0; size as usize];
            if read_at(file, at + 4, &mut body)? < body.len() {
                return Err(broken("the file"));
            }
            block(head[0] & !LAST, &body, out)?;
        }
        at += 4 + u64::from(size);
        if head[0] & LAST != 0 {
            break;
        }
    }
    tag_blocks(tags, out)?;
    copy(file, at, out)
}
