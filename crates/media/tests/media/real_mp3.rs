//! Real MP3s: those of Debian's asc-music have no LAME header, so their length is known only by decoding.

use std::path::Path;

use crate::judge;
use crate::song::encode_file;

#[test]
fn have_as_many_samples_as_ffmpeg_decodes() {
    for name in ["frontiers.mp3", "machine_wars.mp3", "time_to_strike.mp3"] {
        let path = Path::new("/usr/share/games/asc/music").join(name);
        assert!(path.exists(), "these tests need {} (Debian: apt-get install asc-music)", path.display());
        let run = encode_file(&path).expect("it is a song");
        assert_eq!((run.analysis.codec.as_str(), run.analysis.lossless), ("mp3", false));
        let frame = 2 * usize::from(run.manifest.channels);
        let own = judge::decode(&path, "s16le").len() / frame;
        assert_eq!(run.manifest.samples, own as u64, "{name}");
        for rung in &run.manifest.rungs {
            assert!(!rung.lossless);
            let got = judge::decode(&run.path(&rung.playlist), "s16le").len() / frame;
            assert_eq!(got as u64, rung.samples, "{name}: {}", rung.name);
            assert_eq!(rung.samples, run.manifest.samples, "22.05 kHz is a rate of AAC");
        }
        let (loudness, peak) = judge::loudness(&path);
        let ours = run.manifest.loudness_lufs.expect("music is loud");
        assert!((ours - loudness).abs() <= 0.1, "{name}: {ours} LUFS, ffmpeg {loudness}");
        let ours = run.manifest.true_peak_db.expect("music is loud");
        assert!((ours - peak).abs() <= 0.3, "{name}: {ours} dBTP, ffmpeg {peak}");
    }
}

#[test]
fn with_a_lame_header_are_trimmed_as_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lame.mp3");
    let make = ["-v", "error", "-f", "lavfi", "-i", "sine=440:r=44100:d=7.123", "-ac", "2", "-b:a", "128k"];
    judge::run(&[&make[..], &[path.to_str().expect("UTF-8")]].concat());
    let run = encode_file(&path).expect("it is a song");
    let own = judge::decode(&path, "s16le").len() / 4;
    assert_eq!(run.manifest.samples, own as u64);
    assert_eq!(run.manifest.samples, (44_100.0f64 * 7.123).round() as u64);
    assert!((120_000..136_000).contains(&run.analysis.bitrate), "{}", run.analysis.bitrate);
    let names: Vec<_> = run.manifest.rungs.iter().map(|rung| rung.name.as_str()).collect();
    assert_eq!(names, ["aac-64", "aac-128"], "no rung carries more than the source has");
}
