//! Playlists and manifest, read by a parser that shares nothing with the writer. Rule numbers are those of
//! Apple's HLS authoring specification.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::song::{Run, bytes, encode_bytes, samples, wav};

fn run() -> Run {
    encode_bytes(&wav(1, 44_100, 2, 16, &bytes(&samples(44_100, 2, 16, 44_100 * 20 + 123), 16)))
        .expect("a song")
}

/// `A=1,B="x,y"` to its parts.
fn attributes(line: &str) -> HashMap<String, String> {
    let mut out = HashMap::new();
    let mut rest = line;
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("the quote is closed"),
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        out.insert(name.to_owned(), value.to_owned());
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    out
}

struct Media {
    target: f64,
    map: String,
    /// Duration and name.
    segments: Vec<(f64, String)>,
}

fn media(text: &str) -> Media {
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#EXTM3U");
    for needed in
        ["#EXT-X-VERSION:7", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-ENDLIST"]
    {
        assert!(lines.contains(&needed), "{needed} is missing (8.6 and RFC 8216)");
    }
    let value = |tag: &str| lines.iter().find_map(|line| line.strip_prefix(tag)).expect("the tag is there");
    let segments = lines.windows(2).filter_map(|pair| {
        let duration = pair[0].strip_prefix("#EXTINF:")?.trim_end_matches(',').parse().ok()?;
        Some((duration, pair[1].to_owned()))
    });
    Media {
        target: value("#EXT-X-TARGETDURATION:").parse().expect("a number"),
        map: attributes(value("#EXT-X-MAP:"))["URI"].clone(),
        segments: segments.collect(),
    }
}

#[test]
fn the_master_declares_what_the_rungs_measure() {
    let run = run();
    let text = run.text("master.m3u8");
    assert!(text.starts_with("#EXTM3U\n") && text.contains("#EXT-X-INDEPENDENT-SEGMENTS\n"));
    let lines: Vec<&str> = text.lines().collect();
    let variants: Vec<_> = lines
        .windows(2)
        .filter_map(|pair| Some((attributes(pair[0].strip_prefix("#EXT-X-STREAM-INF:")?), pair[1])))
        .collect();
    assert_eq!(variants.len(), 4);
    for (attributes, uri) in variants {
        assert_eq!(attributes["CODECS"], if uri.starts_with("flac") { "fLaC" } else { "mp4a.40.2" }, "9.1");
        let playlist = media(&run.text(uri));
        let folder = uri.split_once('/').expect("rungs are folders").0;
        let size =
            |name: &String| std::fs::metadata(run.path(folder).join(name)).expect("it is there").len() as f64;
        let bits: Vec<(f64, f64)> =
            playlist.segments.iter().map(|(duration, name)| (8.0 * size(name), *duration)).collect();
        let total = |of: &[(f64, f64)]| of.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let (all_bits, all_seconds) = total(&bits);
        let mut peak = all_bits / all_seconds;
        for from in 0..bits.len() {
            for to in from + 1..=bits.len() {
                let (bits, seconds) = total(&bits[from..to]);
                if (0.5..=1.5).contains(&(seconds / playlist.target)) {
                    peak = f64::max(peak, bits / seconds);
                }
            }
        }
        let declared = |name: &str| attributes[name].parse::<f64>().expect("a number");
        assert!((declared("BANDWIDTH") - peak).abs() <= 2.0, "9.13: {} for {peak}", declared("BANDWIDTH"));
        let average = all_bits / all_seconds;
        assert!((declared("AVERAGE-BANDWIDTH") - average).abs() <= 2.0, "9.14");
    }
}

#[test]
fn segments_are_aligned_and_near_six_seconds() {
    let run = run();
    let mut ends: Vec<Vec<f64>> = Vec::new();
    for rung in &run.manifest.rungs {
        let playlist = media(&run.text(&rung.playlist));
        assert_eq!(playlist.map, "init.mp4", "8.20");
        assert_eq!(playlist.target, 6.0, "7.5, 8.2");
        let names: Vec<&str> = playlist.segments.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["00001.m4s", "00002.m4s", "00003.m4s", "00004.m4s"]);
        assert!(playlist.segments.iter().all(|(duration, _)| *duration <= playlist.target + 0.5), "7.7");
        let sum: f64 = playlist.segments.iter().map(|(duration, _)| duration).sum();
        let presented = rung.samples as f64 / 44_100.0;
        // An AAC rung's durations are its media's, priming included.
        let priming = sum - presented;
        if rung.lossless {
            assert!(priming.abs() < 1e-4);
        } else {
            assert!((2048.0 / 44_100.0..3072.0 / 44_100.0).contains(&priming));
        }
        let mut at = -priming;
        ends.push(
            playlist
                .segments
                .iter()
                .map(|(duration, _)| {
                    at += duration;
                    at
                })
                .collect(),
        );
    }
    for other in &ends[1..] {
        for (one, two) in ends[0].iter().zip(other) {
            assert!((one - two).abs() < 1e-4, "8.22: {ends:?}");
        }
    }
}

#[test]
fn the_manifest_names_every_object_truly_and_comes_last() {
    let run = run();
    let objects = run.objects();
    let manifest: segue_media::Manifest =
        serde_json::from_slice(&objects["manifest.json"]).expect("it is JSON");
    assert_eq!(manifest, run.manifest);
    let mut named = vec!["master.m3u8".to_owned(), "manifest.json".to_owned()];
    for rung in &manifest.rungs {
        named.push(rung.playlist.clone());
        for object in [&rung.init].into_iter().chain(rung.segments.iter().map(|segment| &segment.object)) {
            let bytes = &objects[&object.name];
            assert_eq!(object.bytes, bytes.len() as u64);
            assert_eq!(object.sha256, hex::encode(Sha256::digest(bytes)));
            named.push(object.name.clone());
        }
    }
    named.sort();
    assert!(objects.keys().eq(named.iter()), "nothing else was put");
    let rank = |name: &str| match name {
        "manifest.json" => 3,
        "master.m3u8" => 2,
        name if name.ends_with("index.m3u8") => 1,
        _ => 0,
    };
    assert!(run.order.is_sorted_by_key(|(name, _)| rank(name)), "{:?}", run.order);
    for (name, media_type) in &run.order {
        let want = match name.rsplit_once('.').expect("names have extensions").1 {
            "m3u8" => "application/vnd.apple.mpegurl",
            "mp4" | "m4s" => "audio/mp4",
            "json" => "application/json",
            other => panic!("{other}"),
        };
        assert_eq!(media_type, want, "10.4");
    }
}
