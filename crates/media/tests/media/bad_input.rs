//! Files that are no songs, or not whole ones.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

use segue_media::{Analysis, Control, Error, Limits, Sink, Unattended, analyse, encode, ladder};

use crate::judge;
use crate::song::{bytes, encode_bytes, samples, wav};

fn analyse_bytes(content: &[u8]) -> Result<Analysis, Error> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("written");
    analyse(file.as_file(), &Limits::default(), &Unattended)
}

fn reason(content: &[u8]) -> &'static str {
    analyse_bytes(content).expect_err("this is no whole song").reason()
}

fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let step = |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    };
    (0..len).map(step).collect()
}

fn short_wav() -> Vec<u8> {
    wav(1, 44_100, 2, 16, &bytes(&samples(44_100, 2, 16, 100_000), 16))
}

/// As ffmpeg encodes it, `arguments` between input and output.
fn converted(extension: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("a.wav"), folder.path().join(format!("b.{extension}")));
    std::fs::write(&from, short_wav()).expect("written");
    let (from, to_text) = (from.to_str().expect("UTF-8"), to.to_str().expect("UTF-8"));
    judge::run(&[&["-v", "error", "-i", from][..], arguments, &[to_text]].concat());
    std::fs::read(&to).expect("ffmpeg wrote it")
}

#[test]
fn what_is_no_audio_is_refused_by_name() {
    assert_eq!(reason(b""), "EMPTY_FILE");
    assert_eq!(reason(b"Dear diary, today I uploaded a text file.\n"), "NOT_AUDIO");
    assert_eq!(reason(&b"lorem ipsum dolor sit amet ".repeat(40_000)), "NOT_AUDIO");
    assert_eq!(reason(&vec![0; 300_000]), "NOT_AUDIO");
    assert_eq!(reason(&vec![0xff; 300_000]), "NOT_AUDIO");
    for seed in 1..20 {
        assert_eq!(reason(&noise(400_000, seed)), "NOT_AUDIO", "seed {seed}");
    }
    assert_eq!(reason(b"%PDF-1.7 and so on"), "NOT_AUDIO");
    assert_eq!(reason(b"RIFF\x10\0\0\0WEBPVP8 and so on"), "NOT_AUDIO");
    for extension in ["ogg", "m4a", "aiff"] {
        assert_eq!(reason(&converted(extension, &[])), "UNSUPPORTED_AUDIO", "{extension}");
    }
    assert_eq!(reason(&converted("mp2", &[])), "UNSUPPORTED_AUDIO");
}

#[test]
fn headers_without_sound_are_refused() {
    assert_eq!(reason(&wav(1, 44_100, 2, 16, &[])), "EMPTY_FILE");
    assert_eq!(reason(&wav(1, 44_100, 2, 16, &[])[..20]), "DAMAGED_AUDIO");
    assert_eq!(reason(b"fLaC"), "DAMAGED_AUDIO");
    assert_eq!(reason(b"ID3\x04\0\0\0\0\0\0"), "EMPTY_FILE");
    assert_eq!(reason(&wav(1, 0, 2, 16, &[0; 400])), "UNSUPPORTED_AUDIO");
    assert_eq!(reason(&wav(1, 7_999, 2, 16, &[0; 400])), "UNSUPPORTED_AUDIO");
    assert_eq!(reason(&wav(1, 400_000, 2, 16, &[0; 400])), "UNSUPPORTED_AUDIO");
    assert_eq!(reason(&wav(1, 44_100, 9, 16, &[0; 360])), "UNSUPPORTED_AUDIO");
    assert_eq!(reason(&wav(0x55, 44_100, 2, 16, &[0; 400])), "UNSUPPORTED_AUDIO");
}

#[test]
fn a_truncated_file_does_not_become_a_shorter_song() {
    let whole = short_wav();
    assert_eq!(reason(&whole[..whole.len() - 4]), "DAMAGED_AUDIO");
    assert_eq!(reason(&whole[..whole.len() / 2]), "DAMAGED_AUDIO");
    let flac = converted("flac", &[]);
    for len in [flac.len() - 1, flac.len() / 2, 9000] {
        assert_eq!(reason(&flac[..len]), "DAMAGED_AUDIO", "{len}");
    }
    let mp3 = converted("mp3", &[]);
    assert!(analyse_bytes(&mp3).is_ok());
    assert_eq!(reason(&mp3[..mp3.len() / 2]), "DAMAGED_AUDIO");
    let text = analyse_bytes(&whole[..whole.len() / 2]).expect_err("damaged").to_string();
    assert!(text.contains("breaks off after 1.1 of 2.3 seconds"), "{text}");
}

#[test]
fn a_flipped_bit_in_flac_is_noticed() {
    let whole = converted("flac", &[]);
    for at in [whole.len() / 3, whole.len() / 2, whole.len() - 5] {
        let mut flac = whole.clone();
        flac[at] ^= 0x10;
        assert_eq!(reason(&flac), "DAMAGED_AUDIO", "byte {at}");
    }
}

#[test]
fn random_damage_never_panics_or_hangs() {
    for original in [converted("flac", &[]), converted("mp3", &[]), short_wav()] {
        for seed in 1..60u64 {
            let mut broken = original.clone();
            for (index, byte) in noise(40, seed).into_iter().enumerate() {
                // Half of the damage goes into the headers.
                let span = if index % 2 == 0 { 200 } else { broken.len() };
                let at = (u64::from(byte) * 7919 * (seed + index as u64)) as usize % span;
                broken[at] = byte.wrapping_mul(31);
            }
            if let Err(error) = encode_bytes(&broken) {
                assert!(error.is_fault_of_file(), "seed {seed}: {error}");
            }
        }
    }
}

#[test]
fn tags_around_the_music_do_not_matter() {
    let mp3 = converted("mp3", &["-write_xing", "0", "-id3v2_version", "0"]);
    let plain = analyse_bytes(&mp3).expect("it is a song");
    let mut id3v1 = b"TAG".to_vec();
    id3v1.resize(128, b'x');
    // An APEv2 tag with a header, whose cover is an MP3.
    let mut ape = vec![0; 32];
    ape.extend(&mp3[..4000]);
    let mut footer = b"APETAGEX".to_vec();
    footer.extend(2000u32.to_le_bytes());
    footer.extend(4032u32.to_le_bytes());
    footer.extend(1u32.to_le_bytes());
    footer.extend(0x8000_0000u32.to_le_bytes());
    footer.extend([0; 8]);
    ape.extend(footer);
    let padded = [&b"ID3\x04\0\0\0\0\x01\x00"[..], &[0; 128], &mp3, &ape, &id3v1].concat();
    let tagged = analyse_bytes(&padded).expect("it is a song");
    assert_eq!((tagged.samples, tagged.bitrate), (plain.samples, plain.bitrate));
    let flac = converted("flac", &[]);
    let behind_id3 = [&b"ID3\x04\0\0\0\0\x01\x00"[..], &[0; 128], &flac].concat();
    assert_eq!(analyse_bytes(&behind_id3).expect("it is a song").samples, 100_000);
    assert_eq!(analyse_bytes(&[flac, id3v1].concat()).expect("it is a song").samples, 100_000);
}

#[test]
fn a_wav_of_unknown_length_goes_to_the_end() {
    for size in [0u32, u32::MAX] {
        let mut streamed = short_wav();
        streamed[40..44].copy_from_slice(&size.to_le_bytes());
        assert_eq!(analyse_bytes(&streamed).expect("it is a song").samples, 100_000);
    }
}

#[test]
fn limits_hold() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), short_wav()).expect("written");
    let limits = Limits { max_duration_s: 2, ..Limits::default() };
    let error = analyse(file.as_file(), &limits, &Unattended).expect_err("2.3 s are too long");
    assert_eq!(error.reason(), "TOO_LONG");
    let limits = Limits { max_channels: 1, ..Limits::default() };
    let error = analyse(file.as_file(), &limits, &Unattended).expect_err("two are too many");
    assert_eq!(error.reason(), "UNSUPPORTED_AUDIO");
}

struct StopAt(u64, AtomicU64);

impl Control for StopAt {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        assert!(self.1.swap(done, Ordering::Relaxed) <= done, "progress went back");
    }

    fn cancelled(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

struct Full(usize);

impl Sink for Full {
    fn put(&mut self, _name: &str, _content_type: &str, _bytes: Vec<u8>) -> Result<(), Error> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| Error::Sink("no room".into()))?;
        Ok(())
    }
}

#[test]
fn stops_when_told_and_when_the_sink_is_full() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let long = bytes(&samples(44_100, 1, 16, 44_100 * 30), 16);
    std::fs::write(file.path(), wav(1, 44_100, 1, 16, &long)).expect("written");
    let file = File::open(file.path()).expect("it is there");
    let stopped = analyse(&file, &Limits::default(), &StopAt(1_000_000, AtomicU64::new(0)));
    assert_eq!(stopped.expect_err("stopped").reason(), "CANCELLED");
    let never = StopAt(u64::MAX, AtomicU64::new(0));
    let analysis = analyse(&file, &Limits::default(), &never).expect("it is a song");
    let rungs = ladder(&analysis);
    let stop = StopAt(500_000, AtomicU64::new(0));
    let stopped = encode(&file, &analysis, &rungs, "", &stop, &mut Full(1000));
    assert_eq!(stopped.expect_err("stopped").reason(), "CANCELLED");
    for room in 0..10 {
        let refused = encode(&file, &analysis, &rungs, "", &Unattended, &mut Full(room));
        assert_eq!(refused.expect_err("no room").reason(), "SINK", "room {room}");
    }
}
