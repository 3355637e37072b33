//! Renumbers FLAC frames: from "frame k of fixed size" to "block that starts at sample n".
//!
//! Each segment is encoded on its own, and its last block is shorter than the others. Only a stream of variable
//! block size may have that in its middle (RFC 9639, section 9.1.1), so every frame header is written anew.

use crate::Error;

/// Rewrites `frame` in place as a variable-size block whose first sample is number `sample`.
pub(crate) fn renumber(frame: &mut Vec<u8>, sample: u64) -> Result<(), Error> {
    let broken = || Error::Encoder("libFLAC: a frame without a proper header".into());
    if frame.len() < 9 || frame[0] != 0xff || frame[1] != 0xf8 {
        return Err(broken());
    }
    // Coded number after the four fixed bytes, extended like UTF-8.
    let number = match frame[4].leading_ones() {
        0 => 1,
        ones @ 2..=7 => ones as usize,
        _ => return Err(broken()),
    };
    let size_bytes = match frame[2] >> 4 {
        6 => 1,
        7 => 2,
        _ => 0,
    };
    let rate_bytes = match frame[2] & 0x0f {
        12 => 1,
        13 | 14 => 2,
        _ => 0,
    };
    let rest = 4 + number;
    let crc_at = rest + size_bytes + rate_bytes;
    if frame.len() < crc_at + 3 {
        return Err(broken());
    }
    let mut header = vec![0xff, 0xf9, frame[2], frame[3]];
    push_coded_number(&mut header, sample);
    header.extend_from_slice(&frame[rest..crc_at]);
    header.push(crc8(&header));
    frame.splice(..=crc_at, header);
    let body = frame.len() - 2;
    let crc = crc16(&frame[..body]);
    frame.truncate(body);
    frame.extend(crc.to_be_bytes());
    Ok(())
}

/// RFC 9639, section 9.1.5: UTF-8, extended to 36 bits.
fn push_coded_number(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        out.push(number as u8);
        return;
    }
    let bits = 64 - number.leading_zeros();
    // k bytes in all hold 5k + 1 bits.
    let more = (2..=7u32).find(|bytes| bits <= 5 * bytes + 1).unwrap_or(7) - 1;
    let first = number >> (6 * more);
    out.push(marker(more) | first as u8);
    out.extend((0..more).rev().map(|part| 0x80 | (number >> (6 * part)) as u8 & 0x3f));
}

/// `more` + 1 leading ones.
fn marker(more: u32) -> u8 {
    !(0xffu32 >> (more + 1)) as u8
}

/// Polynomial x⁸ + x² + x + 1.
const CRC8: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// Polynomial x¹⁶ + x¹⁵ + x² + 1; table k is for a byte followed by k others, so that eight bytes go at a time.
const CRC16: [[u16; 256]; 8] = {
    let mut tables = [[0u16; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x8005 } else { crc << 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut index = 0;
        while index < 256 {
            let crc = tables[table - 1][index];
            tables[table][index] = crc << 8 ^ tables[0][(crc >> 8) as usize];
            index += 1;
        }
        table += 1;
    }
    tables
};

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| CRC8[usize::from(crc ^ byte)])
}

fn crc16(bytes: &[u8]) -> u16 {
    let mut chunks = bytes.chunks_exact(8);
    let mut crc = 0u16;
    for chunk in &mut chunks {
        let [high, low] = crc.to_be_bytes();
        crc = CRC16[7][usize::from(chunk[0] ^ high)]
            ^ CRC16[6][usize::from(chunk[1] ^ low)]
            ^ CRC16[5][usize::from(chunk[2])]
            ^ CRC16[4][usize::from(chunk[3])]
            ^ CRC16[3][usize::from(chunk[4])]
            ^ CRC16[2][usize::from(chunk[5])]
            ^ CRC16[1][usize::from(chunk[6])]
            ^ CRC16[0][usize::from(chunk[7])];
    }
    chunks.remainder().iter().fold(crc, |crc, byte| crc << 8 ^ CRC16[0][usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        push_coded_number(&mut out, number);
        out
    }

    #[test]
    fn numbers_are_coded_like_utf_8_and_beyond() {
        for character in ['\0', '\x7f', '\u{80}', '\u{7ff}', '\u{800}', '\u{ffff}', '\u{10000}', '\u{10ffff}']
        {
            assert_eq!(coded(u64::from(character)), character.to_string().as_bytes());
        }
        assert_eq!(coded(0x3ff_ffff), [0xfb, 0xbf, 0xbf, 0xbf, 0xbf]);
        assert_eq!(coded(0x7fff_ffff), [0xfd, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf]);
        assert_eq!(coded(0x8000_0000), [0xfe, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80]);
        assert_eq!(coded(0xf_ffff_ffff), [0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf]);
    }

    #[test]
    fn checksums_match_the_catalogue() {
        // Check values of CRC-8/SMBUS and CRC-16/UMTS.
        assert_eq!(crc8(b"123456789"), 0xf4);
        assert_eq!(crc16(b"123456789"), 0xfee8);
        assert_eq!(crc16(b"12345678912345678"), {
            b"12345678912345678".iter().fold(0u16, |crc, byte| {
                (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
                    if crc & 0x8000 != 0 { crc << 1 ^ 0x8005 } else { crc << 1 }
                })
            })
        });
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        assert!(renumber(&mut vec![], 0).is_err());
        assert!(renumber(&mut vec![0xff, 0xf8, 0x77, 0, 0xfe, 0, 0, 0, 0], 0).is_err());
        assert!(renumber(&mut vec![0; 20], 0).is_err());
    }
}
