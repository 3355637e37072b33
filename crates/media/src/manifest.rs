//! `manifest.json`: everything about one output, written last, so its presence means the output is complete.

use serde::{Deserialize, Serialize};

use crate::{Lyrics, Tags};

/// The version written by this code. A reader refuses a higher one.
pub const MANIFEST_VERSION: u32 = 1;

/// Longest sides of the cover pictures, in pixels. A song with a cover has all of them.
pub const COVER_SIZES: [u32; 3] = [96, 320, 640];

/// One output of one song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The caller's name of the song, as handed to [`encode`](crate::encode).
    pub song: String,
    /// Length in milliseconds, rounded.
    pub duration_ms: u64,
    /// Samples per channel of the source.
    pub samples: u64,
    /// Samples per second of the source.
    pub sample_rate: u32,
    /// Channels of the rungs: 1 or 2.
    pub channels: u16,
    /// The file all this was made from.
    pub source: Source,
    /// Integrated loudness in LUFS (ITU-R BS.1770-4, EBU R 128); none for silence or under 0.4 s.
    pub loudness_lufs: Option<f64>,
    /// True peak in dBTP (BS.1770-4 annex 2); none for digital silence.
    pub true_peak_db: Option<f64>,
    /// Peaks of 1,000 equal stretches of the song, one byte each (255 = full scale), base64. Fewer than 1,000
    /// for a song of fewer samples.
    pub waveform: String,
    /// What the file says about itself.
    pub tags: Tags,
    /// The words, if the tags have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lyrics: Option<Lyrics>,
    /// Cover pictures, smallest first; empty if the file has none that can be read.
    pub covers: Vec<CoverObject>,
    /// Name of the master playlist.
    pub playlist: String,
    /// The renditions, lowest first.
    pub rungs: Vec<ManifestRung>,
}

/// What the original was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `mp3`, `flac` or `pcm`.
    pub codec: String,
    /// `mp3`, `flac` or `wav`.
    pub container: String,
    /// Whether the codec keeps every bit.
    pub lossless: bool,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels of the file, before any mixing down.
    pub channels: u16,
    /// Bits per sample; 0 for a lossy codec.
    pub bits_per_sample: u16,
    /// Average bit/s of the audio, tags and pictures not counted.
    pub bitrate: u64,
}

/// An object of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Relative to the output folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of the bytes.
    pub sha256: String,
}

/// A media segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The object.
    #[serde(flatten)]
    pub object: Object,
    /// Media duration in milliseconds, rounded; the playlist has it exactly.
    pub duration_ms: u64,
}

/// One size of the cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverObject {
    /// The object, a JPEG.
    #[serde(flatten)]
    pub object: Object,
    /// One of [`COVER_SIZES`]: the longest side asked for. Smaller pictures are not enlarged.
    pub px: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRung {
    /// Folder of its objects.
    pub name: String,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Whether the codec keeps every bit.
    pub lossless: bool,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Measured peak bit/s (RFC 8216, 4.3.4.2), as in the master playlist.
    pub bandwidth: u64,
    /// Measured average bit/s, as in the master playlist.
    pub average_bandwidth: u64,
    /// Samples per channel that a player gives back.
    pub samples: u64,
    /// Name of its media playlist.
    pub playlist: String,
    /// The initialisation file.
    pub init: Object,
    /// The segments in order.
    pub segments: Vec<Segment>,
}
