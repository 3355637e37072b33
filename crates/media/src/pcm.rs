//! A block of decoded sound.

/// Interleaved samples of one or two channels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pcm {
    /// Of a lossless source: integers of [`Format::bits`] bits.
    Int(Vec<i32>),
    /// Of a lossy source: full scale is ±1, and may be exceeded.
    Float(Vec<f32>),
}

/// What all blocks of a song have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) rate: u32,
    /// 1 or 2.
    pub(crate) channels: usize,
    /// Width of the integers; 0 for a lossy source.
    pub(crate) bits: u32,
}

impl Format {
    /// An empty block with room for `frames`.
    pub(crate) fn block(self, frames: usize) -> Pcm {
        match self.bits {
            0 => Pcm::Float(Vec::with_capacity(frames * self.channels)),
            _ => Pcm::Int(Vec::with_capacity(frames * self.channels)),
        }
    }

    /// What turns an integer sample into one of full scale ±1.
    pub(crate) fn scale(self) -> f64 {
        1.0 / f64::from(1u32 << self.bits.saturating_sub(1))
    }
}

impl Pcm {
    /// Samples over all channels.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(samples) => samples.len(),
            Self::Float(samples) => samples.len(),
        }
    }

    /// As floating point of full scale ±1; exact up to 24 bits.
    pub(crate) fn to_f32(&self, format: Format, out: &mut Vec<f32>) {
        out.clear();
        match self {
            Self::Int(samples) => {
                let scale = format.scale() as f32;
                out.extend(samples.iter().map(|sample| *sample as f32 * scale));
            }
            Self::Float(samples) => out.extend_from_slice(samples),
        }
    }

    /// As 16-bit integers, rounded half to even and clamped. No dither: the AAC encoder's own noise is far above.
    pub(crate) fn to_i16(&self, format: Format) -> Vec<i16> {
        match self {
            Self::Int(samples) if format.bits == 16 => samples.iter().map(|sample| *sample as i16).collect(),
            Self::Int(samples) => {
                let scale = format.scale();
                samples.iter().map(|sample| round_i16(f64::from(*sample) * scale)).collect()
            }
            Self::Float(samples) => samples.iter().map(|sample| round_i16(f64::from(*sample))).collect(),
        }
    }
}

/// Full scale ±1 to 16 bits: half to even, clamped; NaN is silence.
pub(crate) fn round_i16(sample: f64) -> i16 {
    (sample * 32768.0).round_ties_even() as i16
}

/// Full scale ±1 to an integer of `bits` bits: half to even, clamped; NaN and infinities are silence.
pub(crate) fn round_int(sample: f64, bits: u32) -> i32 {
    if !sample.is_finite() {
        return 0;
    }
    let full = f64::from(1u32 << (bits - 1));
    (sample * full).round_ties_even().clamp(-full, full - 1.0) as i32
}
