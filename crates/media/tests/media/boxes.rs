//! Init files and segments, read by the `mp4-atom` crate.

use std::io::Cursor;

use mp4_atom::{Any, Codec, Moof, Moov, ReadFrom};

use crate::song::{bytes, encode_bytes, samples, wav};

fn atoms(bytes: &[u8]) -> Vec<Any> {
    let mut rest = Cursor::new(bytes);
    let mut out = Vec::new();
    while (rest.position() as usize) < bytes.len() {
        out.push(Any::read_from(&mut rest).expect("every box can be read"));
    }
    out
}

fn moov(bytes: &[u8]) -> Moov {
    atoms(bytes)
        .into_iter()
        .find_map(|atom| if let Any::Moov(moov) = atom { Some(moov) } else { None })
        .expect("moov")
}

#[test]
fn segments_continue_each_other_and_start_at_zero() {
    let frames = 44_100 * 14 + 5;
    let run =
        encode_bytes(&wav(1, 44_100, 2, 16, &bytes(&samples(44_100, 2, 16, frames), 16))).expect("a song");
    let objects = run.objects();
    for rung in &run.manifest.rungs {
        let moov = moov(&objects[&rung.init.name]);
        let media = &moov.trak[0].mdia;
        assert_eq!(media.mdhd.timescale, 44_100);
        let edits = moov.trak[0].edts.as_ref().and_then(|edts| edts.elst.as_ref());
        match &media.minf.stbl.stsd.codecs[0] {
            Codec::Mp4a(entry) => assert_eq!(entry.audio.channel_count, 2),
            Codec::Flac(entry) => assert_eq!(entry.audio.sample_size, 16),
            other => panic!("{other:?}"),
        }
        let mut time = 0;
        for (index, segment) in rung.segments.iter().enumerate() {
            let moof: Moof = atoms(&objects[&segment.object.name])
                .into_iter()
                .find_map(|atom| if let Any::Moof(moof) = atom { Some(moof) } else { None })
                .expect("moof");
            assert_eq!(moof.mfhd.sequence_number as usize, index + 1);
            let traf = &moof.traf[0];
            assert_eq!(traf.tfdt.as_ref().expect("tfdt").base_media_decode_time, time, "7.3");
            let default = traf.tfhd.default_sample_duration.expect("a default");
            let entries = traf.trun.iter().flat_map(|trun| &trun.samples);
            time += entries.map(|entry| u64::from(entry.duration.unwrap_or(default))).sum::<u64>();
        }
        if rung.lossless {
            assert!(edits.is_none());
            assert_eq!(time, frames as u64);
        } else {
            let start = edits.expect("an edit list").entries[0].media_time.expect("a start");
            assert_eq!(time, frames as u64 + start, "the edit list drops what is too much");
        }
    }
}

#[test]
fn loudness_is_in_the_stream() {
    let run = encode_bytes(&wav(1, 44_100, 1, 16, &bytes(&samples(44_100, 1, 16, 44_100 * 3), 16)))
        .expect("a song");
    let objects = run.objects();
    for rung in &run.manifest.rungs {
        let init = &objects[&rung.init.name];
        let at = init.windows(4).position(|bytes| bytes == b"tlou").expect("rule 2.19") + 4;
        let body = &init[at..at + 14];
        let peaks = u32::from_be_bytes([0, body[6], body[7], body[8]]);
        let true_peak = 20.0 - f64::from(peaks & 0xfff) / 32.0;
        let loudness = f64::from(body[12]) / 4.0 - 57.75;
        assert!((true_peak - run.manifest.true_peak_db.expect("loud")).abs() < 0.02);
        assert!((loudness - run.manifest.loudness_lufs.expect("loud")).abs() <= 0.13);
        assert_eq!((body[9], body[10], body[11], body[13]), (0x23, 1, 1, 0x23));
    }
}
