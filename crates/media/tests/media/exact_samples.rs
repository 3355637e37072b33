//! Not a sample more or less: the count of every rung, and every bit of the lossless one.

use crate::judge;
use crate::song::{Run, bytes, encode_bytes, samples, wav};

fn expected(samples: u64, from: u32, to: u32) -> u64 {
    (samples as f64 * f64::from(to) / f64::from(from)).round() as u64
}

/// Every rung of `run` gives back its samples in ffmpeg; FLAC gives back `source`, of `bits` bits.
fn check(run: &Run, frames: usize, rate: u32, channels: u16, bits: u32, source: &[i32]) {
    assert_eq!(run.manifest.samples, frames as u64);
    for rung in &run.manifest.rungs {
        let playlist = run.path(&rung.playlist);
        if rung.lossless {
            let format = if bits == 16 { "s16le" } else { "s32le" };
            let wide: Vec<i32> = source
                .iter()
                .map(|sample| if bits == 16 { *sample } else { sample << (32 - bits) })
                .collect();
            let want = bytes(&wide, if bits == 16 { 16 } else { 32 });
            assert!(judge::decode(&playlist, format) == want, "{rate} Hz, {frames} samples: FLAC differs");
        } else {
            let got = judge::decode(&playlist, "s16le").len() / 2 / usize::from(channels);
            let want = expected(frames as u64, rate, rung.sample_rate);
            assert_eq!(
                (got as u64, rung.samples),
                (want, want),
                "{rate} Hz, {frames} samples: {}",
                rung.name
            );
        }
    }
}

fn check_rate(rate: u32, odd: usize) {
    // One segment, its edges, and three segments with an odd end.
    for (frames, channels) in [(1, 2), (1023, 1), (1024, 2), (44_100, 1), (rate as usize * 13 + odd, 2)] {
        let source = samples(rate, channels, 16, frames);
        let run = encode_bytes(&wav(1, rate, channels, 16, &bytes(&source, 16))).expect("it is a song");
        check(&run, frames, rate, channels, 16, &source);
    }
}

#[test]
fn at_8_khz() {
    check_rate(8_000, 17);
}

#[test]
fn at_22_05_khz() {
    check_rate(22_050, 333);
}

#[test]
fn at_44_1_khz() {
    check_rate(44_100, 1);
}

#[test]
fn at_48_khz() {
    check_rate(48_000, 1023);
}

#[test]
fn at_96_khz_resampled_for_aac() {
    check_rate(96_000, 5);
}

#[test]
fn at_rates_that_aac_does_not_have() {
    for rate in [9_000, 37_800, 176_400] {
        let frames = rate as usize * 13 + 7;
        let source = samples(rate, 1, 16, frames);
        let run = encode_bytes(&wav(1, rate, 1, 16, &bytes(&source, 16))).expect("it is a song");
        check(&run, frames, rate, 1, 16, &source);
    }
}

#[test]
fn around_the_end_of_a_segment_and_of_a_block() {
    // Priming is 2,048 to 3,071 samples; the first segment is 260 frames.
    for frames in [260 * 1024 - 3071, 260 * 1024 - 2048, 260 * 1024 - 2047, 4096, 4097, 8191] {
        let source = samples(44_100, 2, 16, frames);
        let run = encode_bytes(&wav(1, 44_100, 2, 16, &bytes(&source, 16))).expect("it is a song");
        check(&run, frames, 44_100, 2, 16, &source);
    }
}

#[test]
fn with_24_bits_at_96_khz_from_flac() {
    let source = samples(96_000, 2, 24, 700_001);
    let folder = tempfile::tempdir().expect("a folder");
    let (wave, flac) = (folder.path().join("a.wav"), folder.path().join("a.flac"));
    std::fs::write(&wave, wav(1, 96_000, 2, 24, &bytes(&source, 24))).expect("written");
    judge::run(&["-v", "error", "-i", wave.to_str().expect("UTF-8"), flac.to_str().expect("UTF-8")]);
    let run = crate::song::encode_file(&flac).expect("it is a song");
    assert_eq!((run.analysis.container.as_str(), run.analysis.bits_per_sample), ("flac", 24));
    check(&run, 700_001, 96_000, 2, 24, &source);
}

#[test]
fn with_8_bits() {
    let source = samples(44_100, 1, 8, 30_000);
    let stored: Vec<u8> = source.iter().map(|sample| (sample + 128) as u8).collect();
    let run = encode_bytes(&wav(1, 44_100, 1, 8, &stored)).expect("it is a song");
    let want: Vec<i32> = source.iter().map(|sample| sample << 8).collect();
    let flac = judge::decode(&run.path("flac/index.m3u8"), "s16le");
    assert!(flac == bytes(&want, 16));
}

#[test]
fn wide_integers_are_rounded_to_24_bits() {
    let source: Vec<i32> = samples(44_100, 1, 32, 30_000);
    let run = encode_bytes(&wav(1, 44_100, 1, 32, &bytes(&source, 32))).expect("it is a song");
    let want: Vec<i32> = source.iter().map(|sample| ((i64::from(*sample) + 128) >> 8) as i32).collect();
    check(&run, 30_000, 44_100, 1, 24, &want);
}

#[test]
fn floats_are_rounded_to_24_bits_and_what_is_no_number_is_silence() {
    let mut source: Vec<f32> =
        samples(44_100, 1, 24, 30_000).iter().map(|sample| *sample as f32 / 8_388_608.0).collect();
    source[10..15].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.5, -1.5]);
    let data: Vec<u8> = source.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let run = encode_bytes(&wav(3, 44_100, 1, 32, &data)).expect("it is a song");
    let mut want: Vec<i32> = samples(44_100, 1, 24, 30_000);
    want[10..15].copy_from_slice(&[0, 0, 0, 8_388_607, -8_388_608]);
    check(&run, 30_000, 44_100, 1, 24, &want);
    let data: Vec<u8> = source.iter().flat_map(|sample| f64::from(*sample).to_le_bytes()).collect();
    let run = encode_bytes(&wav(3, 44_100, 1, 64, &data)).expect("it is a song");
    check(&run, 30_000, 44_100, 1, 24, &want);
}

#[test]
fn surround_is_mixed_down_without_clipping() {
    let frames = 50_000;
    let mono = samples(48_000, 1, 16, frames);
    let surround: Vec<i32> = mono.iter().flat_map(|sample| [sample * 3 / 2; 6]).collect();
    let run = encode_bytes(&wav(1, 48_000, 6, 16, &bytes(&surround, 16))).expect("it is a song");
    assert_eq!((run.manifest.channels, run.manifest.source.channels), (2, 6));
    // All channels alike: the gains add up to one, so the mix is the channel itself.
    let want: Vec<i32> = mono.iter().flat_map(|sample| [sample * 3 / 2; 2]).collect();
    check(&run, frames, 48_000, 2, 16, &want);
}

#[test]
fn the_aac_sounds_like_the_source() {
    let frames = 44_100 * 8;
    let source = samples(44_100, 1, 16, frames);
    let run = encode_bytes(&wav(1, 44_100, 1, 16, &bytes(&source, 16))).expect("it is a song");
    for rung in run.manifest.rungs.iter().filter(|rung| !rung.lossless) {
        let decoded = judge::decode(&run.path(&rung.playlist), "s16le");
        let decoded = decoded.chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])));
        let (mut signal, mut noise) = (0.0, 0.0);
        for (got, want) in decoded.zip(source.iter().map(|sample| f64::from(*sample))) {
            signal += want * want;
            noise += (got - want) * (got - want);
        }
        let ratio = 10.0 * (signal / noise).log10();
        assert!(
            ratio > 15.0,
            "{}: {ratio:.1} dB; a lag of one sample would already cost most of it",
            rung.name
        );
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let source = wav(1, 96_000, 2, 24, &bytes(&samples(96_000, 2, 24, 1_300_003), 24));
    let (first, second) = (encode_bytes(&source).expect("a song"), encode_bytes(&source).expect("a song"));
    assert!(first.objects() == second.objects());
}
