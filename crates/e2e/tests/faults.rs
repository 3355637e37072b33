//! kill -9 of client and server at every named point: what was acknowledged becomes READY, once, and plays.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    cli::Cli,
    fault_list::{self, Round},
    music,
    up::Up,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

fn tone(folder: &Path, name: &str, samples: u64) -> PathBuf {
    let file = folder.join(name);
    music::sine(samples, 44_100, &file);
    file
}

/// Waits until the song is READY, whoever was killed meanwhile.
fn ready(user: &Cli, song: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(90);
    let mut last = json!(null);
    while Instant::now() < end {
        let shown = user.run(&["show", song, "--json"]);
        if shown.code == 0 {
            last = shown.json().remove(0);
            match last["state"].as_str() {
                Some("READY") => return last,
                Some("FAILED") => break,
                _ => {}
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{song} is not READY: {last}");
}

#[test]
fn killed_at_any_point_every_song_becomes_ready_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start();
    let user = Cli::signed_in(&up);
    // Every point of the way. `blob-` in the blob store, `relay-` and `bus-` between the services.
    let mut songs = 0;
    let rounds = fault_list::rounds("crash", &fault_list::all("crash"));
    for (n, Round { target: point, seed }) in rounds.iter().enumerate() {
        // With the second seed it is passed once before it kills, with the third twice, by as many songs.
        let samples = |song: u64| 300_000 + seed * 1000 + song * 100 + n as u64;
        let files: Vec<PathBuf> = (0..*seed)
            .map(|song| tone(folder.path(), &format!("{seed}-{point}-{song}.wav"), samples(song)))
            .collect();
        let named = format!("{point}:{seed}");
        // What is published is written down at a good end: none of it comes again and is killed for.
        assert!(up.stop(), "it ends well before {named}");
        // A few blocks each.
        up.set_environment(&[("SEGUE_CRASH_POINT", &named), ("SEGUE__SONG__BLOCK_BYTES", "262144")]);
        up.restart();
        let mut words = vec!["upload", "--json", "--patience", "60"];
        words.extend(files.iter().map(|file| file.to_str().unwrap()));
        let upload = user.start(&words);
        let hit = up.died_within(Duration::from_secs(30));
        assert!(hit, "{named} was never passed");
        up.set_environment(&[("SEGUE__SONG__BLOCK_BYTES", "262144")]);
        up.restart();
        let done = upload.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(out.lines().count(), files.len(), "{named}: {}", String::from_utf8_lossy(&done.stderr));
        for line in out.lines() {
            let result: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{named}: {e} {line}"));
            assert_eq!(result["state"], "READY", "{named}: {result}");
            let song = files.iter().position(|file| result["file"] == file.to_str().unwrap());
            let song = song.unwrap_or_else(|| panic!("{named}: of another file: {result}")) as u64;
            let url = result["playback_url"].as_str().unwrap();
            assert_eq!(music::samples(url, 2) as u64, samples(song), "{named}");
        }
        songs += files.len();
    }
    let listed = user.run(&["songs", "--json"]).good().json();
    assert_eq!(listed.len(), songs, "each song is there once");
}

#[test]
fn killed_during_a_refresh_of_everything_acknowledged_songs_become_ready() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start();
    let user = Cli::signed_in(&up);
    let files: Vec<PathBuf> = (0..4).map(|n| tone(folder.path(), &format!("{n}.wav"), 200_000 + n)).collect();
    let mut args = vec!["upload", "--json", "--no-wait"];
    args.extend(files.iter().map(|f| f.to_str().unwrap()));
    let accepted = user.run(&args).good().json();
    for _ in 0..4 {
        up.restart();
        std::thread::sleep(Duration::from_millis(150));
    }
    for song in accepted {
        let _ = ready(&user, song["song_id"].as_str().unwrap());
    }
}

#[test]
fn resumes_after_the_client_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = tone(folder.path(), "long.wav", 8_000_000);
    let size = std::fs::metadata(&file).unwrap().len();
    let up = Up::start_with(&[("SEGUE__SONG__BLOCK_BYTES", "262144")]);
    let user = Cli::signed_in(&up);
    let blocks = || metric(&up, "segue_blob_blocks_total");
    let mut kills = 0;
    let done = loop {
        let mut upload = user.start(&["upload", "--json", file.to_str().unwrap()]);
        let before = blocks();
        let end = Instant::now() + Duration::from_secs(60);
        let target = before + 15;
        while blocks() < target && Instant::now() < end && matches!(upload.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if kills < 3 && matches!(upload.try_wait(), Ok(None)) {
            let _ = upload.kill();
            let _ = upload.wait();
            kills += 1;
            continue;
        }
        break upload.wait_with_output().unwrap();
    };
    assert!(kills > 0, "the upload was too quick to be killed");
    let result: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(result["state"], "READY", "{result}");
    // READY says that every byte is there (the encoder hashes them). A block that was on its way when the client died
    // may come twice, or be stored without being counted: at most four for each kill.
    let needed = size.div_ceil(262_144);
    let sent = blocks();
    assert!(sent.abs_diff(needed) <= 4 * kills, "{sent} blocks for {needed} with {kills} kills");
    assert_eq!(user.run(&["songs", "--json"]).good().json().len(), 1);
}

/// A counter of the server.
fn metric(up: &Up, name: &str) -> u64 {
    let done =
        std::process::Command::new("curl").args(["-sf", &format!("{}/metrics", up.url())]).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let values = text
        .lines()
        .filter(|l| l.starts_with(name))
        .filter_map(|l| l.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum::<f64>() as u64
}

#[test]
fn the_server_stops_cleanly_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tone.wav");
    music::sine(50_000, 48_000, &file);
    let mut up = Up::start();
    let user = Cli::signed_in(&up);
    let song = &user.upload(&[&file])[0];
    assert!(up.stop(), "Ctrl-C ends it with exit code 0");
    up.restart();
    let played = user.run(&["play", song["song_id"].as_str().unwrap(), "--json"]).good().json();
    assert_eq!(music::samples(played[0]["playback_url"].as_str().unwrap(), 2), 50_000);
}
