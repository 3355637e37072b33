//! A user's way with real music: upload, listen in a browser, edit, delete.

use segue_e2e::{cli::Cli, foreign, hls, music, world::World};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

struct Song {
    file: PathBuf,
    /// What was uploaded, as ffmpeg decodes it.
    samples: usize,
    rate: u32,
    channels: usize,
    lossless: bool,
}

fn song(file: PathBuf, lossless: bool) -> Song {
    let rate = music::probe(&file, "sample_rate").parse().unwrap();
    let channels = music::probe(&file, "channels").parse().unwrap();
    let samples = music::samples(&file.display().to_string(), channels);
    Song { file, samples, rate, channels, lossless }
}

fn collection(folder: &Path) -> Vec<Song> {
    let mut songs: Vec<Song> = music::asc().into_iter().map(|f| song(f, false)).collect();
    let at = |name: &str| folder.join(name);
    let (a, b) = (music::vorbis("hyperrogue-music", 44_100), music::vorbis("singularity-music", 48_000));
    music::cut(&a, 10.0, 45.0, &at("a441.flac"), &["-sample_fmt", "s16"]);
    music::cut(&a, 60.0, 30.0, &at("b441.wav"), &["-c:a", "pcm_s16le"]);
    music::cut(&b, 5.0, 30.0, &at("c48.wav"), &["-c:a", "pcm_s24le"]);
    music::cut(&b, 40.0, 40.0, &at("d48.flac"), &["-sample_fmt", "s16"]);
    songs.extend(["a441.flac", "b441.wav", "c48.wav", "d48.flac"].map(|f| song(at(f), true)));
    songs
}

#[test]
fn real_music_plays_from_upload_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut songs = collection(folder.path());
    let world = World::start();
    // The same encoder, edge and player: on a mesh one song of each kind is enough.
    if !matches!(world, World::Up(_)) {
        let mut kinds = HashSet::new();
        songs.retain(|song| kinds.insert(song.file.extension().map(ToOwned::to_owned)));
    }
    let user = Cli::signed_in(&world);
    let files: Vec<&Path> = songs.iter().map(|s| s.file.as_path()).collect();
    let uploaded = user.upload(&files);
    for (song, result) in songs.iter().zip(&uploaded) {
        assert_eq!(result["state"], "READY", "{}: {result}", song.file.display());
        assert_eq!(result["error"], Value::Null);
        every_rung_has_every_sample(song, result["playback_url"].as_str().unwrap());
    }

    let again = user.upload(&files[..1]);
    assert_eq!((&again[0]["skipped"], &again[0]["song_id"]), (&json!(true), &uploaded[0]["song_id"]));

    let listed = user.run(&["songs", "--json"]).good().json();
    assert_eq!(listed.len(), songs.len());
    assert!(listed.iter().all(|s| s["state"] == "READY" && s["sha256"].as_str().unwrap().len() == 64));

    play_in_the_browser(&songs, &uploaded);
    listen_to_every_sample(&user, folder.path());
}

/// ffmpeg's count of each rung against ffmpeg's count of the source, resampled counts rounded; FLAC bit for bit.
fn every_rung_has_every_sample(song: &Song, url: &str) {
    let variants = hls::variants(url);
    assert_eq!(variants.iter().any(|v| v.codec() == "fLaC"), song.lossless, "{url}");
    for variant in variants {
        let name = format!("{} {}", song.file.display(), variant.url);
        match variant.codec() {
            "fLaC" => assert!(
                music::decode(&variant.url) == music::decode(&song.file.display().to_string()),
                "{name}"
            ),
            "mp4a.40.2" => {
                assert_eq!(variant.samples(song.channels), song.samples, "{name} at {}", song.rate)
            }
            codec => panic!("{name}: {codec}"),
        }
    }
}

fn play_in_the_browser(songs: &[Song], uploaded: &[Value]) {
    let play = |songs: &[Value], parallel: u32| -> Vec<Value> {
        let job = json!({"songs": songs, "listen": 20, "parallel": parallel});
        foreign::node("play.mjs", &job).as_array().unwrap().clone()
    };
    let list = songs.iter().zip(uploaded).map(|(s, u)| json!({"name": s.file, "url": u["playback_url"]}));
    let list: Vec<Value> = list.collect();
    let mut reports = play(&list, 4);
    assert_eq!(reports.len(), songs.len());
    // Four players at once starve on a machine that is busy; alone, a song plays without a stall.
    for report in &mut reports {
        if report["errors"] == json!(["mediaError bufferStalledError fatal=false "]) {
            eprintln!("it stalled, and is played again: {report}");
            let song = list.iter().find(|song| song["name"] == report["name"]).unwrap();
            *report = play(std::slice::from_ref(song), 1).remove(0);
        }
    }
    for report in &reports {
        assert_eq!(report["errors"], json!([]), "{report}");
        assert_eq!(report["bad_requests"], json!([]), "{report}");
        assert_eq!(report["ended"], true, "{report}");
        let song = songs.iter().find(|s| report["name"] == json!(s.file)).unwrap();
        let aac = report["levels"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|l| l.as_str().unwrap_or("").starts_with("mp4a"))
            .count();
        assert_eq!(report["switched"], aac > 1, "{report}");
        let seconds = song.samples as f64 / f64::from(song.rate);
        assert!((report["duration"].as_f64().unwrap() - seconds).abs() < 0.2, "{report} but {seconds}");
    }
}

/// A 20 s cut, played from start to end in Chromium: what WebAudio hears is what ffmpeg decodes, sample by sample.
fn listen_to_every_sample(user: &Cli, folder: &Path) {
    const N: usize = 882_000;
    let file = folder.join("whole.wav");
    music::sine(N as u64, 44_100, &file);
    let uploaded = user.upload(&[&file]);
    let url = uploaded[0]["playback_url"].as_str().expect("it is READY");
    let variants = hls::variants(url);
    let best = variants
        .iter()
        .filter(|v| v.codec() == "mp4a.40.2")
        .max_by_key(|v| v.attributes["BANDWIDTH"].parse::<u64>().unwrap());
    let expected: Vec<f32> = floats(&best.unwrap().url);
    assert_eq!(expected.len(), 2 * N);

    let capture = folder.join("heard.f32");
    let job = json!({"songs": [{"name": "whole", "url": url, "capture": capture, "rate": 44_100}]});
    let report = &foreign::node("play.mjs", &job)[0];
    assert_eq!((&report["errors"], &report["ended"]), (&json!([]), &json!(true)), "{report}");
    let bytes = std::fs::read(&capture).unwrap();
    let heard: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();

    let frame = |x: &[f32], at: usize| x.get(2 * at).copied().unwrap_or(0.0);
    let frames = heard.len() / 2;
    let loud = (0..frames).find(|&i| frame(&heard, i).abs() > 0.05).expect("something is heard");
    let first = (0..N).find(|&i| frame(&expected, i).abs() > 0.05).unwrap();
    // Where the first loud sample of one is the first loud sample of the other, everything must agree.
    let begin = loud.checked_sub(first).expect("no sample is missing at the start");
    let differ = (0..N).find(|&i| (frame(&heard, begin + i) - frame(&expected, i)).abs() > 1e-3);
    assert_eq!(differ, None, "of {N} samples, heard {frames} from {begin}");
    assert!(
        (0..begin).chain(begin + N..frames).all(|i| frame(&heard, i).abs() < 1e-3),
        "nothing before and nothing after"
    );
}

fn floats(url: &str) -> Vec<f32> {
    let bytes = music::decode(url);
    bytes
        .chunks_exact(4)
        .map(|b| i32::from_le_bytes(b.try_into().unwrap()) as f32 / 2_147_483_648.0)
        .collect()
}

#[test]
fn a_song_is_edited_hidden_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tone.wav");
    music::sine(100_000, 44_100, &file);
    let world = World::start();
    let (owner, other) = (Cli::signed_in(&world), Cli::stranger(&world));
    let uploaded = &owner.upload(&[&file])[0];
    let id = uploaded["song_id"].as_str().unwrap();
    let url = uploaded["playback_url"].as_str().unwrap();

    let edited =
        owner.run(&["edit", id, "--title", "A tone", "--artist", "One", "--artist", "Two", "--json"]).good();
    assert_eq!(
        (&edited.json()[0]["title"], &edited.json()[0]["artists"]),
        (&json!("A tone"), &json!(["One", "Two"]))
    );

    assert_ne!(other.run(&["show", id]).code, 0, "a private song is not there for others");
    let _ = owner.run(&["edit", id, "--visibility", "unlisted"]).good();
    let shown = other.run(&["show", id, "--json"]).good().json();
    assert_eq!((&shown[0]["title"], &shown[0]["sha256"]), (&json!("A tone"), &json!("")));
    let played = other.run(&["play", id, "--json"]).good().json();
    assert_eq!(music::samples(played[0]["playback_url"].as_str().unwrap(), 2), 100_000);
    assert_ne!(other.run(&["rm", id, "--yes"]).code, 0);
    assert_ne!(other.run(&["edit", id, "--title", "Mine"]).code, 0);

    let _ = owner.run(&["rm", id, "--yes"]).good();
    assert_ne!(owner.run(&["show", id]).code, 0);
    assert!(!hls::variants(url).is_empty(), "who has a grant may finish listening");
    let _ = owner.run(&["logout"]).good();
    assert_eq!(owner.run(&["songs"]).code, 3, "signed out");
}
