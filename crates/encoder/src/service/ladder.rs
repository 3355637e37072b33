//! The ladder before it is clamped to a source.

use segue_media::{Analysis, Codec};
use segue_proto::encoder::v1::{GetLadderResponse, LadderRung};

/// The rungs of a source that limits none of them.
pub(super) fn ladder() -> GetLadderResponse {
    let best = Analysis {
        lossless: true,
        sample_rate: 48_000,
        channels: 2,
        bits_per_sample: 24,
        bitrate: 48_000 * 2 * 24,
        ..Analysis::default()
    };
    let rungs = segue_media::ladder(&best);
    let show = |rung: segue_media::Rung| LadderRung {
        name: rung.name,
        codec: rung.codec.rfc6381().into(),
        bitrate: rung.bitrate,
        lossless: rung.codec == Codec::Flac,
    };
    GetLadderResponse { rungs: rungs.into_iter().map(show).collect() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ladder_has_every_rung_lowest_first() {
        let rungs = super::ladder().rungs;
        let shown: Vec<_> = rungs.iter().map(|r| (r.name.as_str(), r.bitrate, r.lossless)).collect();
        let wanted = [
            ("aac-64", 64_000, false),
            ("aac-128", 128_000, false),
            ("aac-256", 256_000, false),
            ("flac", 0, true),
        ];
        assert_eq!(shown, wanted);
    }
}
