//! Which renditions a song gets.

use serde::{Deserialize, Serialize};

use crate::Analysis;

/// What a rung is encoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// AAC-LC by fdk-aac.
    Aac,
    /// FLAC by libFLAC.
    Flac,
}

impl Codec {
    /// The codec string of RFC 6381, as HLS's CODECS wants it.
    pub fn rfc6381(self) -> &'static str {
        match self {
            Self::Aac => "mp4a.40.2",
            Self::Flac => "fLaC",
        }
    }
}

/// One rendition to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Folder name of its objects, such as `aac-128` or `flac`.
    pub name: String,
    /// The codec.
    pub codec: Codec,
    /// Nominal bit/s; 0 for FLAC, whose rate depends on the music.
    pub bitrate: u32,
    /// Samples per second of this rung.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Bits per sample of a lossless rung; 16 for AAC, whose encoder takes 16 bits.
    pub bits_per_sample: u16,
}

/// AAC-LC rates, in bit/s, before they are clamped to what the sample rate carries.
const AAC_BITRATES: [u32; 3] = [64_000, 128_000, 256_000];

/// A rung must carry at least this much more than the one below (in percent), or it is left out.
const LEAST_STEP_PERCENT: u32 = 120;

/// By how much a measured bit rate may exceed the nominal one: a short file's padding frames count too.
const MEASURE_PERCENT: u64 = 3;

/// Sample rates that AAC-LC is made at; other sources are resampled.
const AAC_RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// The rungs for a song, lowest first: AAC-LC at 64, 128 and 256 kbit/s, and FLAC for a lossless source.
///
/// A lossy source gets only the AAC rungs below its own bit rate and the smallest one at or above it: more bits
/// would carry nothing. AAC-LC carries at most 6 bits per sample and channel, so rungs of low sample rates are
/// clamped, and left out when they come out near the one below. There is always at least one.
pub fn ladder(analysis: &Analysis) -> Vec<Rung> {
    let channels = analysis.channels.min(2);
    let sample_rate = aac_rate(analysis.sample_rate);
    let most = 6 * sample_rate * u32::from(channels);
    let mut rungs: Vec<Rung> = Vec::new();
    for bitrate in AAC_BITRATES.map(|bitrate| bitrate.min(most)) {
        if let Some(below) = rungs.last() {
            let least = analysis.bitrate * 100 / (100 + MEASURE_PERCENT);
            let enough = !analysis.lossless && u64::from(below.bitrate) >= least;
            let near = u64::from(bitrate) * 100 < u64::from(below.bitrate) * u64::from(LEAST_STEP_PERCENT);
            if enough || near {
                break;
            }
        }
        rungs.push(Rung {
            name: format!("aac-{}", bitrate / 1000),
            codec: Codec::Aac,
            bitrate,
            sample_rate,
            channels,
            bits_per_sample: 16,
        });
    }
    if analysis.lossless {
        rungs.push(Rung {
            name: "flac".into(),
            codec: Codec::Flac,
            bitrate: 0,
            sample_rate: analysis.sample_rate,
            channels,
            bits_per_sample: analysis.bits_per_sample,
        });
    }
    rungs
}

/// The rate AAC is made at: the source's own where AAC has it, else the next higher one; above 48 kHz, 44.1 kHz
/// for its multiples and 48 kHz for the rest.
fn aac_rate(source: u32) -> u32 {
    match AAC_RATES.into_iter().find(|rate| *rate >= source) {
        Some(rate) => rate,
        None if source.is_multiple_of(44_100) => 44_100,
        None => 48_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(lossless: bool, sample_rate: u32, channels: u16, bitrate: u64) -> Vec<String> {
        let analysis =
            Analysis { lossless, sample_rate, channels, bitrate, bits_per_sample: 16, ..Analysis::default() };
        ladder(&analysis).into_iter().map(|rung| rung.name).collect()
    }

    #[test]
    fn lossless_stereo_gets_every_rung() {
        assert_eq!(names(true, 44_100, 2, 900_000), ["aac-64", "aac-128", "aac-256", "flac"]);
        assert_eq!(names(true, 192_000, 6, 9_000_000), ["aac-64", "aac-128", "aac-256", "flac"]);
    }

    #[test]
    fn lossy_source_gets_nothing_that_carries_more_than_it_has() {
        assert_eq!(names(false, 44_100, 2, 48_000), ["aac-64"]);
        assert_eq!(names(false, 44_100, 2, 64_000), ["aac-64"]);
        assert_eq!(names(false, 44_100, 2, 96_000), ["aac-64", "aac-128"]);
        assert_eq!(names(false, 44_100, 2, 128_000), ["aac-64", "aac-128"]);
        assert_eq!(names(false, 44_100, 2, 129_500), ["aac-64", "aac-128"]);
        assert_eq!(names(false, 44_100, 2, 320_000), ["aac-64", "aac-128", "aac-256"]);
    }

    #[test]
    fn low_rates_are_clamped_and_near_equal_rungs_left_out() {
        assert_eq!(names(true, 8_000, 1, 64_000), ["aac-48", "flac"]);
        assert_eq!(names(true, 22_050, 1, 350_000), ["aac-64", "aac-128", "flac"]);
        assert_eq!(names(true, 11_025, 2, 350_000), ["aac-64", "aac-128", "flac"]);
    }

    #[test]
    fn other_rates_go_to_the_next_rate_of_aac() {
        assert_eq!(aac_rate(8_000), 8_000);
        assert_eq!(aac_rate(37_800), 44_100);
        assert_eq!(aac_rate(88_200), 44_100);
        assert_eq!(aac_rate(96_000), 48_000);
        assert_eq!(aac_rate(352_800), 44_100);
        assert_eq!(aac_rate(384_000), 48_000);
    }
}
