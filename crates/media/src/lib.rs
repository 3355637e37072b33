//! Audio in, adaptive stream out: decode, loudness, encode, CMAF packaging and HLS playlists.
//!
//! A pure library: it reads one open file, and hands finished objects to a [`Sink`]. It knows no network, no
//! clock and no configuration, and keeps no state between calls. The caller runs [`analyse`], then [`ladder`],
//! then [`encode`]; memory stays bounded whatever the length of the song.
//!
//! Every byte it reads is untrusted. Unsafe code lives only in `fdk` and `libflac`, the wrappers of the two
//! C encoders.

mod aac_rung;
mod analysis;
mod boxes;
mod control;
mod cover;
mod decode;
mod encode;
mod error;
mod fdk;
mod flac_frame;
mod flac_rung;
mod fragment;
mod init_file;
mod ladder;
mod libflac;
mod limits;
mod locate;
mod loudness;
mod lyrics;
mod manifest;
mod mixdown;
mod output;
mod pcm;
mod plan;
mod playlist;
mod region;
mod resample;
mod single;
mod tags;
mod waveform;

pub use analysis::{Analysis, analyse};
pub use control::{Control, Sink, Unattended};
pub use encode::encode;
pub use error::Error;
pub use ladder::{Codec, Rung, ladder};
pub use limits::Limits;
pub use lyrics::{Lyrics, LyricsLine};
pub use manifest::{
    COVER_SIZES, CoverObject, MANIFEST_VERSION, Manifest, ManifestRung, Object, Segment, Source,
};
pub use single::{SingleTags, retag, single_file};
pub use tags::{Cover, Tags};
