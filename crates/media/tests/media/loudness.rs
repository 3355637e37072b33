//! Loudness and true peak against ffmpeg's ebur128 filter.

use crate::judge;
use crate::song::{bytes, encode_bytes, samples, wav};

#[test]
fn agrees_with_ffmpeg() {
    for (rate, channels) in [(44_100, 2), (48_000, 1), (96_000, 2)] {
        let source = wav(1, rate, channels, 16, &bytes(&samples(rate, channels, 16, rate as usize * 10), 16));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &source).expect("written");
        let run = encode_bytes(&source).expect("it is a song");
        let (loudness, peak) = judge::loudness(file.path());
        let ours = run.manifest.loudness_lufs.expect("it is loud");
        assert!((ours - loudness).abs() <= 0.1, "{rate} Hz: {ours} LUFS, ffmpeg {loudness}");
        let ours = run.manifest.true_peak_db.expect("it is loud");
        assert!((ours - peak).abs() <= 0.3, "{rate} Hz: {ours} dBTP, ffmpeg {peak}");
    }
}

#[test]
fn silence_has_none() {
    let run = encode_bytes(&wav(1, 44_100, 2, 16, &vec![0; 44_100 * 4 * 3])).expect("silence is a song");
    assert_eq!((run.manifest.loudness_lufs, run.manifest.true_peak_db), (None, None));
    assert!(run.analysis.waveform.iter().all(|peak| *peak == 0));
    assert_eq!(run.analysis.waveform.len(), 1000);
}
