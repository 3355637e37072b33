//! Bounds on what a file may ask of us.

/// What an untrusted file may cost. [`Default`] suits music.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest audio, in seconds. Default 6 hours.
    pub max_duration_s: u64,
    /// Most channels; more than two are mixed down to stereo. Default (and most that can be mixed) 8.
    pub max_channels: u16,
    /// Largest region of tags and pictures that is read, in bytes; a larger one is skipped and the song has
    /// no tags then. Default 32 MiB.
    pub tags_max_bytes: u64,
    /// Largest cover picture as stored in the file, in bytes; a larger one is left out. Default 16 MiB.
    pub cover_max_bytes: usize,
    /// Most pixels of a cover; a larger one is left out. Default 4,096 × 4,096. Decoding takes 3 bytes for each,
    /// and 9 if the picture is a progressive JPEG.
    pub cover_max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration_s: 6 * 3600,
            max_channels: 8,
            tags_max_bytes: 32 << 20,
            cover_max_bytes: 16 << 20,
            cover_max_pixels: 4096 * 4096,
        }
    }
}
