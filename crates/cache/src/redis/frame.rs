//! What is stored in Redis: a head of fixed size, the encoded thing, and a checksum over both.
//!
//! ```text
//! 0  2  "S", format          the format of this head
//! 2  1  kind                 1 thing, 2 nothing of this id, 3 floor
//! 3  8  version              big-endian, as are all numbers
//! 11 8  checked              when the origin was asked, milliseconds
//! 19 8  expires              milliseconds
//! 27 4  cost                 how long the load took, milliseconds
//! 31 n  body
//! .. 4  CRC-32 of all before
//! ```
//!
//! The scripts read kind, version, checked and expires at these places.

use crate::entry::Times;
use bytes::{BufMut, Bytes, BytesMut};
use segue_domain::Timestamp;
use std::time::Duration;

const FORMAT: [u8; 2] = [b'S', 1];
const HEAD: usize = 31;
const CHECKSUM: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A thing.
    Thing = 1,
    /// There was nothing of this id.
    Absent = 2,
    /// What was here was replaced by this version.
    Floor = 3,
}

/// A value in Redis.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) version: u64,
    pub(crate) times: Times,
    pub(crate) body: Bytes,
}

impl Frame {
    pub(crate) fn floor(version: u64) -> Self {
        let times = Times { checked: Timestamp(0), expires: Timestamp(0), cost: Duration::ZERO };
        Self { kind: Kind::Floor, version, times, body: Bytes::new() }
    }

    pub(crate) fn write(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEAD + self.body.len() + CHECKSUM);
        bytes.put_slice(&FORMAT);
        bytes.put_u8(self.kind as u8);
        bytes.put_u64(self.version);
        bytes.put_i64(self.times.checked.millis().max(0));
        bytes.put_i64(self.times.expires.millis().max(0));
        bytes.put_u32(u32::try_from(self.times.cost.as_millis()).unwrap_or(u32::MAX));
        bytes.put_slice(&self.body);
        bytes.put_u32(crc32fast::hash(&bytes));
        bytes.freeze()
    }

    /// `None` for everything that [`Frame::write`] of this version did not make.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        let body_end = bytes.len().checked_sub(CHECKSUM).filter(|end| *end >= HEAD)?;
        let checksum = u32::from_be_bytes(bytes[body_end..].try_into().ok()?);
        if bytes[..2] != FORMAT || crc32fast::hash(&bytes[..body_end]) != checksum {
            return None;
        }
        let kind = match bytes[2] {
            1 => Kind::Thing,
            2 => Kind::Absent,
            3 => Kind::Floor,
            _ => return None,
        };
        let number = |at: usize| Some(u64::from_be_bytes(bytes[at..at + 8].try_into().ok()?));
        let time = |at: usize| Some(Timestamp(i64::try_from(number(at)?).ok()?));
        let cost = u32::from_be_bytes(bytes[27..31].try_into().ok()?);
        let times =
            Times { checked: time(11)?, expires: time(19)?, cost: Duration::from_millis(u64::from(cost)) };
        Some(Self { kind, version: number(3)?, times, body: bytes.slice(HEAD..body_end) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let times = Times {
            checked: Timestamp(1_800_000_000_000),
            expires: Timestamp(1_800_000_600_000),
            cost: Duration::from_millis(7),
        };
        Frame { kind: Kind::Thing, version: 258, times, body: Bytes::from_static(b"a song") }
    }

    #[test]
    fn what_was_written_is_read() {
        let (frame, read) = (frame(), Frame::read(&frame().write()).expect("a frame"));
        assert_eq!(format!("{read:?}"), format!("{frame:?}"));
        assert_eq!(
            Frame::read(&Frame::floor(9).write()).map(|f| (f.kind, f.version)),
            Some((Kind::Floor, 9))
        );
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_a_miss() {
        let whole = frame().write();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::read(&flipped.into()).is_none(), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(Frame::read(&whole.slice(..length)).is_none(), "length {length}");
        }
        let mut newer = whole.to_vec();
        newer[1] = 2;
        let end = newer.len() - CHECKSUM;
        let checksum = crc32fast::hash(&newer[..end]).to_be_bytes();
        newer[end..].copy_from_slice(&checksum);
        assert!(Frame::read(&newer.into()).is_none(), "another format with a right checksum");
    }
}
