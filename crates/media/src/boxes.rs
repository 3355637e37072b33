//! Writes ISO base media boxes (ISO/IEC 14496-12).
//!
//! By hand: no crate writes `ludt`, `iTunSMPB` and the exact flags that players were tested with.

/// A buffer that boxes are appended to; sizes are filled in when a box is closed.
#[derive(Debug, Default)]
pub(crate) struct Boxes {
    bytes: Vec<u8>,
}

impl Boxes {
    /// A box; `body` writes what is in it.
    pub(crate) fn plain(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.bytes.len();
        self.u32(0).raw(kind);
        body(self);
        let size = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&size.to_be_bytes());
        self
    }

    /// A box with version and flags.
    pub(crate) fn full(
        &mut self,
        kind: &[u8; 4],
        version: u8,
        flags: u32,
        body: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.plain(kind, |boxes| {
            boxes.u32(u32::from(version) << 24 | flags);
            body(boxes);
        })
    }

    /// An MPEG-4 descriptor (ISO/IEC 14496-1, 7.2.6) of less than 128 bytes.
    pub(crate) fn descriptor(&mut self, tag: u8, body: impl FnOnce(&mut Self)) -> &mut Self {
        self.u8(tag).u8(0);
        let start = self.bytes.len();
        body(self);
        self.bytes[start - 1] = (self.bytes.len() - start) as u8;
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn zeros(&mut self, count: usize) -> &mut Self {
        self.bytes.resize(self.bytes.len() + count, 0);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Overwrites a number written before.
    pub(crate) fn patch_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
