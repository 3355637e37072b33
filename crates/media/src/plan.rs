//! Where the samples go: padding, and segment boundaries at the same presentation times in every rung.

use crate::fdk::{DELAY, FRAME};
use crate::resample::resampled_len;

/// Segment length aimed at, in seconds (Apple's HLS authoring rule 7.5).
const SEGMENT_SECONDS: u64 = 6;

/// FLAC's block size. AAC segments are whole multiples of it, so FLAC blocks are cut at no boundary but the first.
pub(crate) const FLAC_BLOCK: u64 = 4096;

/// Shortest FLAC block that is legal before the end (RFC 9639, section 8.2).
const LEAST_FLAC_BLOCK: u64 = 16;

/// The layout of one song.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    source_rate: u32,
    source_samples: u64,
    aac_rate: u32,
    /// Samples at the AAC rungs' rate.
    pub(crate) aac_samples: u64,
    /// Zeros fed to the AAC encoder before the music, so that the last frame ends with the music.
    pub(crate) front_padding: u64,
    /// AAC frames in all.
    pub(crate) aac_frames: u64,
    /// AAC frames per segment but the last.
    pub(crate) frames_per_segment: u64,
}

impl Plan {
    pub(crate) fn new(source_samples: u64, source_rate: u32, aac_rate: u32) -> Self {
        let frame = FRAME as u64;
        let aac_samples = resampled_len(source_samples, source_rate, aac_rate).max(1);
        let front_padding = (frame - (DELAY + aac_samples) % frame) % frame;
        let rate = u64::from(aac_rate);
        let blocks = (2 * SEGMENT_SECONDS * rate + FLAC_BLOCK) / (2 * FLAC_BLOCK);
        Self {
            source_rate,
            source_samples,
            aac_rate,
            aac_samples,
            front_padding,
            aac_frames: (DELAY + front_padding + aac_samples) / frame,
            frames_per_segment: blocks.max(1) * (FLAC_BLOCK / frame),
        }
    }

    /// Samples that an AAC player must drop at the start: M in the notes on gapless playback.
    pub(crate) fn priming(&self) -> u64 {
        DELAY + self.front_padding
    }

    pub(crate) fn segments(&self) -> u64 {
        self.aac_frames.div_ceil(self.frames_per_segment)
    }

    /// First sample (of the source) after FLAC segment number `segment`, counted from 0.
    pub(crate) fn flac_end(&self, segment: u64) -> u64 {
        let left = self.segments().saturating_sub(segment + 1);
        if left == 0 {
            return self.source_samples;
        }
        let aac = (segment + 1) * self.frames_per_segment * FRAME as u64 - self.priming();
        // Rounding between rates must not leave nothing for the last segments.
        resampled_len(aac, self.aac_rate, self.source_rate).min(self.source_samples.saturating_sub(left))
    }

    /// Block size for a FLAC segment of so many samples: the largest that leaves no illegally short last block.
    pub(crate) fn flac_block(&self, samples: u64, last: bool) -> u64 {
        let legal =
            |block: &u64| last || samples.is_multiple_of(*block) || samples % block >= LEAST_FLAC_BLOCK;
        (0..16).map(|step| FLAC_BLOCK - 16 * step).find(legal).unwrap_or(FLAC_BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_seconds_at_the_usual_rates() {
        for (rate, frames) in
            [(8_000, 48), (11_025, 64), (22_050, 128), (32_000, 188), (44_100, 260), (48_000, 280)]
        {
            assert_eq!(Plan::new(1, rate, rate).frames_per_segment, frames);
        }
    }

    #[test]
    fn padding_fills_whole_frames_and_stays_small() {
        for samples in 1..5000 {
            let plan = Plan::new(samples, 44_100, 44_100);
            assert_eq!(plan.priming() + samples, plan.aac_frames * 1024);
            assert!((2048..3072).contains(&plan.priming()));
        }
    }

    #[test]
    fn flac_boundaries_grow_and_end_at_the_end() {
        for (source, aac) in
            [(44_100, 44_100), (96_000, 48_000), (37_800, 44_100), (8_001, 11_025), (384_000, 48_000)]
        {
            for samples in [1, 15, 1000, 263_167, 263_168, 263_169, 5_000_001, 23_456_789] {
                let plan = Plan::new(samples, source, aac);
                let mut from = 0;
                for segment in 0..plan.segments() {
                    let to = plan.flac_end(segment);
                    assert!(to > from, "{source} {samples} {segment}");
                    let block = plan.flac_block(to - from, segment + 1 == plan.segments());
                    let rest = (to - from) % block;
                    assert!(segment + 1 == plan.segments() || rest == 0 || rest >= 16);
                    from = to;
                }
                assert_eq!(from, samples);
            }
        }
    }

    #[test]
    fn boundaries_lie_at_the_same_times_in_aac_and_flac() {
        let plan = Plan::new(10_000_000, 96_000, 48_000);
        for segment in 0..plan.segments() - 1 {
            let aac = (segment + 1) * plan.frames_per_segment * 1024 - plan.priming();
            assert_eq!(plan.flac_end(segment), 2 * aac);
        }
    }
}
