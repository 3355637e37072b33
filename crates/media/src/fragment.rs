//! One media segment: `styp`, `moof`, `mdat`.

use crate::boxes::Boxes;

/// Collects the samples (access units) of a segment.
#[derive(Default)]
pub(crate) struct Fragment {
    data: Vec<u8>,
    /// Size in bytes and duration of each.
    entries: Vec<(u32, u32)>,
}

impl Fragment {
    pub(crate) fn push(&mut self, bytes: &[u8], duration: u32) {
        self.data.extend_from_slice(bytes);
        self.entries.push((bytes.len() as u32, duration));
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Sum of the durations, in units of the track's time scale.
    pub(crate) fn duration(&self) -> u64 {
        self.entries.iter().map(|(_, duration)| u64::from(*duration)).sum()
    }

    /// Writes the segment and empties this. `sequence` counts from 1; `time` is the decode time of the first
    /// sample.
    pub(crate) fn write(&mut self, sequence: u32, time: u64) -> Vec<u8> {
        let common = self.entries.first().map_or(0, |(_, duration)| *duration);
        let constant = self.entries.iter().all(|(_, duration)| *duration == common);
        let mut out = Boxes::default();
        out.plain(b"styp", |out| {
            out.raw(b"msdh").u32(0).raw(b"msdhmsixcmfs");
        });
        let moof_at = out.len();
        let mut offset_at = 0;
        out.plain(b"moof", |out| {
            out.full(b"mfhd", 0, 0, |out| {
                out.u32(sequence);
            });
            out.plain(b"traf", |out| {
                // Base is this moof; default duration and flags follow (every sample is a sync sample).
                out.full(b"tfhd", 0, 0x02_0028, |out| {
                    out.u32(1).u32(common).u32(0x0200_0000);
                });
                out.full(b"tfdt", 1, 0, |out| {
                    out.u64(time);
                });
                out.full(b"trun", 0, if constant { 0x201 } else { 0x301 }, |out| {
                    out.u32(self.entries.len() as u32);
                    offset_at = out.len();
                    out.u32(0);
                    for (size, duration) in &self.entries {
                        if !constant {
                            out.u32(*duration);
                        }
                        out.u32(*size);
                    }
                });
            });
        });
        let data_offset = out.len() + 8 - moof_at;
        out.patch_u32(offset_at, data_offset as u32);
        out.plain(b"mdat", |out| {
            out.raw(&self.data);
        });
        self.data.clear();
        self.entries.clear();
        out.into_bytes()
    }
}
