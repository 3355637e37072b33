//! Segments joined into one file: the same samples, and tags that others read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use lofty::file::TaggedFileExt;
use lofty::picture::PictureType;
use lofty::tag::{Accessor, ItemKey, Tag};
use mp4_atom::{Moov, ReadAtom};
use segue_media::{ManifestRung, SingleTags, retag, single_file};

use crate::judge;
use crate::song::{Run, bytes, encode_bytes, encode_file, samples, wav};

fn tags(cover: &[u8]) -> SingleTags {
    SingleTags {
        title: "Ein Lied — 歌".into(),
        artists: vec!["Zoë".into(), "Другой".into()],
        album: "Alles".into(),
        album_artist: "Zoë & Co".into(),
        genre: "Jazz".into(),
        year: 1999,
        track: 3,
        disc: 2,
        isrc: "USRC17607839".into(),
        musicbrainz_id: "f1a2c3d4-0000-4000-8000-000000000001".into(),
        lyrics: "[00:01.50]La\n[00:03.00]歌".into(),
        loudness_lufs: Some(-11.5),
        true_peak_db: Some(-1.0),
        album_loudness_lufs: Some(-12.25),
        album_true_peak_db: Some(0.0),
        cover: Some(cover.to_vec()),
    }
}

/// The rung joined into a file beside it.
fn join(run: &Run, rung: &ManifestRung, tags: &SingleTags) -> PathBuf {
    let extension = if rung.lossless { "flac" } else { "m4a" };
    let path = run.path(&format!("{}.{extension}", rung.name));
    let init = fs::read(run.path(&rung.init.name)).expect("it was put");
    let segment = |number: usize| fs::read(run.path(&rung.segments[number].object.name));
    let file = File::create(&path).expect("it can be written");
    single_file(&init, rung.segments.len(), segment, tags, file).expect("it can be joined");
    path
}

fn tag(path: &Path) -> Tag {
    lofty::read_from_path(path).expect("lofty reads it").primary_tag().expect("it has tags").clone()
}

fn all(tag: &Tag, key: ItemKey) -> Vec<&str> {
    tag.get_strings(key).collect()
}

fn check_tags(path: &Path, want: &SingleTags) {
    let found = tag(path);
    assert_eq!(found.title().as_deref(), Some(want.title.as_str()));
    assert_eq!(found.album().as_deref(), Some(want.album.as_str()));
    assert_eq!(found.genre().as_deref(), Some(want.genre.as_str()));
    assert_eq!((found.track(), found.disk()), (Some(want.track), Some(want.disc)));
    assert_eq!(all(&found, ItemKey::AlbumArtist), [want.album_artist.as_str()]);
    assert_eq!(all(&found, ItemKey::RecordingDate), [want.year.to_string()]);
    assert_eq!(all(&found, ItemKey::Isrc), [want.isrc.as_str()]);
    assert_eq!(all(&found, ItemKey::Lyrics), [want.lyrics.as_str()]);
    let artists = match path.extension().and_then(|e| e.to_str()) {
        Some("m4a") => all(&found, ItemKey::TrackArtists),
        _ => all(&found, ItemKey::TrackArtist),
    };
    assert_eq!(artists, want.artists);
    assert_eq!(all(&found, ItemKey::ReplayGainTrackGain), ["-6.50 dB"]);
    assert_eq!(all(&found, ItemKey::ReplayGainTrackPeak), ["0.891251"]);
    assert_eq!(all(&found, ItemKey::ReplayGainAlbumGain), ["-5.75 dB"]);
    assert_eq!(all(&found, ItemKey::ReplayGainAlbumPeak), ["1.000000"]);
    let cover = found.pictures().first().expect("a cover");
    assert_eq!(cover.data(), want.cover.as_deref().expect("a cover was given"));
    if path.extension().is_some_and(|e| e == "flac") {
        assert_eq!(cover.pic_type(), PictureType::CoverFront);
    }
}

/// A JPEG that ffmpeg drew.
fn cover(run: &Run) -> Vec<u8> {
    let path = run.path("drawn.jpg");
    let path = path.to_str().expect("UTF-8");
    judge::run(&["-v", "error", "-y", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", path]);
    fs::read(path).expect("it was drawn")
}

#[test]
fn every_rung_gives_the_same_samples_as_its_stream() {
    for (rate, channels, frames) in [
        (44_100, 2, 1),
        (44_100, 1, 1023),
        (48_000, 2, 48_000 * 13 + 7),
        (8_000, 1, 90_001),
        (96_000, 2, 700_001),
    ] {
        let source = wav(1, rate, channels, 16, &bytes(&samples(rate, channels, 16, frames), 16));
        let run = encode_bytes(&source).expect("it is a song");
        let tags = tags(&cover(&run));
        for rung in &run.manifest.rungs {
            let path = join(&run, rung, &tags);
            let (got, want) = (decode(&path), judge::decode(&run.path(&rung.playlist), "s16le"));
            let width = 2 * usize::from(channels);
            assert_eq!((got.len() / width) as u64, rung.samples, "{rate} Hz {frames} {}", rung.name);
            assert!(got == want, "{rate} Hz {frames} {}: other samples", rung.name);
            check_tags(&path, &tags);
        }
    }
}

/// As [`judge::decode`], of the audio of a file with a cover.
fn decode(path: &Path) -> Vec<u8> {
    let path = path.to_str().expect("UTF-8");
    judge::run(&["-v", "error", "-i", path, "-map", "0:a", "-f", "s16le", "-c:a", "pcm_s16le", "-"])
}

#[test]
fn a_seek_lands_where_it_should() {
    let frames = 44_100 * 20;
    let run =
        encode_bytes(&wav(1, 44_100, 1, 16, &bytes(&samples(44_100, 1, 16, frames), 16))).expect("a song");
    for rung in &run.manifest.rungs {
        let path = join(&run, rung, &tags(&cover(&run)));
        let whole = decode(&path);
        let path = path.to_str().expect("UTF-8");
        let ten = judge::run(&["-v", "error", "-ss", "10", "-i", path, "-map", "0:a", "-f", "s16le", "-"]);
        let at = 44_100 * 10 * 2;
        assert_eq!(ten.len(), whole.len() - at, "{}", rung.name);
        // An AAC decoder needs a frame before it gives the same samples again.
        assert!(ten[8192..] == whole[at + 8192..], "{}", rung.name);
    }
}

#[test]
fn the_lossless_file_passes_its_own_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let (wave, flac) = (folder.path().join("a.wav"), folder.path().join("a.flac"));
    let source = samples(44_100, 2, 24, 44_100 * 14 + 3);
    fs::write(&wave, wav(1, 44_100, 2, 24, &bytes(&source, 24))).expect("written");
    judge::run(&["-v", "error", "-i", wave.to_str().expect("UTF-8"), flac.to_str().expect("UTF-8")]);
    let run = encode_file(&flac).expect("it is a song");
    let rung = run.manifest.rungs.iter().find(|rung| rung.lossless).expect("a lossless rung");
    let path = join(&run, rung, &tags(&cover(&run)));
    let bytes = fs::read(&path).expect("it is there");
    let original = fs::read(&flac).expect("it is there");
    assert_eq!(bytes[26..42], original[26..42], "the MD5 of the source");
    // With the checksum of the whole, ffmpeg compares it with what it decodes.
    let path = path.to_str().expect("UTF-8");
    judge::run(&[
        "-v",
        "error",
        "-xerror",
        "-err_detect",
        "explode",
        "-i",
        path,
        "-map",
        "0:a",
        "-f",
        "null",
        "-",
    ]);
}

#[test]
fn new_tags_leave_the_samples_alone() {
    let run =
        encode_bytes(&wav(1, 44_100, 2, 16, &bytes(&samples(44_100, 2, 16, 600_000), 16))).expect("a song");
    for rung in &run.manifest.rungs {
        let path = join(&run, rung, &SingleTags::default());
        let before = decode(&path);
        let new = tags(&cover(&run));
        let to = run.path(&format!("new.{}", path.extension().and_then(|e| e.to_str()).expect("it has one")));
        retag(&File::open(&path).expect("it is there"), &new, File::create(&to).expect("written"))
            .expect("it was written by us");
        assert!(decode(&to) == before, "{}", rung.name);
        check_tags(&to, &new);
        // And back, smaller.
        let back = run.path("back");
        retag(
            &File::open(&to).expect("it is there"),
            &SingleTags::default(),
            File::create(&back).expect("written"),
        )
        .expect("it was written by us");
        assert!(
            fs::read(&back).expect("it is there") == fs::read(&path).expect("it is there"),
            "{}",
            rung.name
        );
    }
}

#[test]
fn the_tables_of_an_mp4_file_add_up() {
    let frames = 44_100 * 14;
    let run =
        encode_bytes(&wav(1, 44_100, 1, 16, &bytes(&samples(44_100, 1, 16, frames), 16))).expect("a song");
    let path = join(&run, &run.manifest.rungs[0], &tags(&cover(&run)));
    let bytes = fs::read(path).expect("it is there");
    let at = u32::from_be_bytes(bytes[..4].try_into().expect("four")) as usize;
    let moov = Moov::read_atom(
        &mp4_atom::Header { kind: (*b"moov").into(), size: Some(moov_size(&bytes[at..]) - 8) },
        &mut &bytes[at + 8..],
    )
    .expect("mp4-atom reads it");
    let edit =
        &moov.trak[0].edts.as_ref().and_then(|edts| edts.elst.as_ref()).expect("an edit list").entries[0];
    assert_eq!(edit.segment_duration, frames as u64);
    assert_eq!(moov.trak[0].mdia.mdhd.duration, frames as u64 + edit.media_time.expect("a start"));
}

fn moov_size(bytes: &[u8]) -> usize {
    u32::from_be_bytes(bytes[..4].try_into().expect("four")) as usize
}

#[test]
fn damaged_segments_are_refused_and_nothing_panics() {
    let run =
        encode_bytes(&wav(1, 44_100, 1, 16, &bytes(&samples(44_100, 1, 16, 20_000), 16))).expect("a song");
    for rung in &run.manifest.rungs {
        let init = fs::read(run.path(&rung.init.name)).expect("it was put");
        let segment = fs::read(run.path(&rung.segments[0].object.name)).expect("it was put");
        let join = |init: &[u8], segment: &[u8]| {
            single_file(init, 1, |_| Ok(segment.to_vec()), &SingleTags::default(), Vec::new())
        };
        assert!(join(&init, &segment).is_ok());
        assert!(join(&[], &segment).is_err() && join(&init, &[]).is_err());
        for cut in (0..init.len()).step_by(7) {
            assert!(join(&init[..cut], &segment).is_err(), "{cut}");
        }
        for at in 0..200.min(segment.len()) {
            let mut other = segment.clone();
            other[at] ^= 0xff;
            // Some bytes mean nothing here; none of them may cost more than an error.
            let _ = join(&init, &other);
        }
        let mut other = init.clone();
        for at in 0..other.len() {
            other[at] ^= 0xff;
            let _ = join(&other, &segment);
            other[at] ^= 0xff;
        }
    }
}
