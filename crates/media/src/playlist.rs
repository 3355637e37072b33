//! HLS playlists (RFC 8216 and Apple's HLS authoring specification; rule numbers are Apple's).

use std::fmt::Write;

use crate::output::MadeRung;

/// fMP4 segments ask for 6 or more; Apple's examples say 7.
const VERSION: u32 = 7;

/// Measured bit rates, in bit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bandwidth {
    pub(crate) peak: u64,
    pub(crate) average: u64,
}

/// The playlist of one rung. Rules 8.6, 8.20; durations are the media's own (8.1), so an AAC rung's add up to its
/// priming more than the song.
pub(crate) fn media(rung: &MadeRung, rate: u32) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
        target_duration(rung, rate)
    );
    for segment in &rung.segments {
        let file = segment.object.name.rsplit('/').next().unwrap_or(&segment.object.name);
        let seconds = segment.duration as f64 / f64::from(rate);
        writeln!(text, "#EXTINF:{seconds:.6},\n{file}").expect("writing to a string cannot fail");
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// One line of the master playlist.
pub(crate) struct Variant<'a> {
    pub(crate) name: &'a str,
    pub(crate) codec: &'a str,
    pub(crate) bandwidth: Bandwidth,
}

/// The master playlist. Rules 9.1, 9.13, 9.14.
pub(crate) fn master(variants: &[Variant<'_>]) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for Variant { name, codec, bandwidth: Bandwidth { peak, average } } in variants {
        writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codec}\"\n{name}/index.m3u8"
        )
        .expect("writing to a string cannot fail");
    }
    text
}

/// The longest segment, rounded to whole seconds (RFC 8216, 4.3.3.1).
fn target_duration(rung: &MadeRung, rate: u32) -> u64 {
    let longest = rung.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
    ((2 * longest + u64::from(rate)) / (2 * u64::from(rate))).max(1)
}

/// Average, and peak: the largest bit rate of any run of segments that lasts 0.5 to 1.5 target durations
/// (RFC 8216, 4.1). A clip too short to have such a run takes its average.
pub(crate) fn bandwidth(rung: &MadeRung, rate: u32) -> Bandwidth {
    let per_second = |bytes: u64, duration: u64| {
        (u128::from(bytes) * 8 * u128::from(rate)).div_ceil(u128::from(duration.max(1))) as u64
    };
    let target = target_duration(rung, rate) * u64::from(rate);
    let mut peak = 0;
    for first in 0..rung.segments.len() {
        let (mut bytes, mut duration) = (0, 0);
        for segment in &rung.segments[first..] {
            bytes += segment.object.bytes;
            duration += segment.duration;
            if 2 * duration > 3 * target {
                break;
            }
            if 2 * duration >= target {
                peak = peak.max(per_second(bytes, duration));
            }
        }
    }
    let bytes = rung.segments.iter().map(|segment| segment.object.bytes).sum();
    let average = per_second(bytes, rung.segments.iter().map(|segment| segment.duration).sum());
    Bandwidth { peak: peak.max(average), average }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Object;
    use crate::output::MadeSegment;

    fn rung(segments: &[(u64, u64)]) -> MadeRung {
        let object = |bytes| Object { name: "r/00001.m4s".into(), bytes, sha256: String::new() };
        let segments = segments
            .iter()
            .map(|(bytes, duration)| MadeSegment { object: object(*bytes), duration: *duration });
        MadeRung { init: object(1), segments: segments.collect(), samples: 0 }
    }

    #[test]
    fn peak_is_taken_over_runs_near_the_target_duration() {
        // 6 s, 6 s and a dense last half second, which counts only together with the segment before it.
        let rung = rung(&[(6_000, 6_000), (7_000, 6_000), (6_000, 500)]);
        assert_eq!(bandwidth(&rung, 1000), Bandwidth { peak: 16_000, average: 12_160 });
    }

    #[test]
    fn a_short_clip_takes_its_average() {
        assert_eq!(bandwidth(&rung(&[(100, 100)]), 1000), Bandwidth { peak: 8000, average: 8000 });
    }
}
