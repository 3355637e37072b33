//! FLAC: reads STREAMINFO and steps over all other metadata.

use std::fs::File;

use super::trailing_tags::end_of_audio;
use super::{Container, Located};
use crate::Error;
use crate::mixdown::Position;
use crate::region::read_at;

const STREAMINFO_LEN: usize = 34;

pub(super) fn locate(file: &File, magic_at: u64, len: u64) -> Result<Located, Error> {
    let broken = || Error::Damaged("its FLAC header breaks off".into());
    let mut at = magic_at + 4;
    let mut info: Option<[u8; STREAMINFO_LEN]> = None;
    loop {
        let mut header = [0u8; 4];
        if read_at(file, at, &mut header)? < 4 {
            return Err(broken());
        }
        let size = u64::from(u32::from_be_bytes([0, header[1], header[2], header[3]]));
        at += 4;
        if header[0] & 0x7f == 0 && info.is_none() {
            let mut body = [0u8; STREAMINFO_LEN];
            if size != STREAMINFO_LEN as u64 || read_at(file, at, &mut body)? < STREAMINFO_LEN {
                return Err(broken());
            }
            info = Some(body);
        }
        at += size;
        if at > len {
            return Err(broken());
        }
        if header[0] & 0x80 != 0 {
            break;
        }
    }
    let info = info.ok_or_else(broken)?;
    let channels = usize::from(info[12] >> 1 & 7) + 1;
    let stored_bits = (u32::from(info[12] & 1) << 4 | u32::from(info[13] >> 4)) + 1;
    let total = u64::from(info[13] & 0x0f) << 32
        | u64::from(u32::from_be_bytes([info[14], info[15], info[16], info[17]]));
    let md5: [u8; 16] = info[18..34].try_into().expect("the slice has 16 bytes");
    let end = end_of_audio(file, at, len)?;
    if at == end {
        return Err(match total {
            0 => Error::Empty("it is a FLAC file without any sound".into()),
            _ => Error::Damaged("it ends where its sound should begin".into()),
        });
    }
    let mut head = b"fLaC\x80\x00\x00\x22".to_vec();
    head.extend_from_slice(&info);
    Ok(Located {
        container: Container::Flac,
        head,
        start: at,
        end,
        stored_bits,
        promised: (total > 0).then_some(total),
        positions: Position::of_count(channels),
        md5: (md5 != [0; 16]).then_some(md5),
    })
}
