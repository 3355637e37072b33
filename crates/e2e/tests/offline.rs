//! Songs kept for offline: they play without network, whatever happened while they came.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    cli::Cli,
    fault_proxy::{FaultProxy, Mode},
    music,
    up::Up,
    watched::Watched,
    world::{Server, World},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Samples of the song that most tests keep: some twelve segments with an odd end.
const SAMPLES: u64 = 70 * 44_100 + 17;

/// A tone with tags and a cover.
fn tagged(folder: &Path, title: &str, samples: u64) -> PathBuf {
    let (wave, cover) = (folder.join("tone.wav"), folder.join("cover.png"));
    let file = folder
        .join(format!("{:x}.flac", Sha256::digest(title).iter().fold(0u64, |n, b| n << 7 ^ u64::from(*b))));
    music::sine(samples, 44_100, &wave);
    let run = |args: &[&str]| {
        let done =
            Command::new("ffmpeg").args(["-v", "error", "-y", "-nostdin"]).args(args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run(&[
        "-f",
        "lavfi",
        "-i",
        "nullsrc=s=700x700,geq=random(1)*255:128:128",
        "-frames:v",
        "1",
        cover.to_str().unwrap(),
    ]);
    let title = format!("title={title}");
    run(&[
        "-i",
        wave.to_str().unwrap(),
        "-i",
        cover.to_str().unwrap(),
        "-map",
        "0:a",
        "-map",
        "1:v",
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
        "-metadata",
        &title,
        "-metadata",
        "artist=Björk",
        "-metadata",
        "album=Homogenic",
        "-metadata",
        "album_artist=Björk",
        "-metadata",
        "genre=Trip-Hop",
        "-metadata",
        "date=1997",
        "-metadata",
        "track=2/10",
        "-metadata",
        "disc=1",
        "-metadata",
        "LYRICS=[00:01.00]All these accidents\n[00:02.50]that happen",
        file.to_str().unwrap(),
    ]);
    file
}

fn upload(user: &Cli, files: &[PathBuf]) -> Vec<String> {
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let done = user.upload(&paths);
    done.iter().map(|song| song["song_id"].as_str().unwrap_or_else(|| panic!("{song}")).to_owned()).collect()
}

/// The only object that a download printed.
fn kept(user: &Cli, args: &[&str]) -> Value {
    let ran = user.run(&[&["download", "--json"], args].concat()).good();
    assert!(ran.err.contains(" bytes "), "the total is said before: {}", ran.err);
    let mut said = ran.json();
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

fn path(said: &Value) -> &str {
    said["path"].as_str().unwrap_or_else(|| panic!("{said}"))
}

/// Files below a folder that are not hidden: size, inode and SHA-256.
fn files(root: &Path) -> BTreeMap<String, (u64, u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                if entry.file_name() != ".segue" {
                    left.push(entry.path());
                }
            } else if !name.ends_with(".part") {
                let hash = Sha256::digest(fs::read(entry.path()).unwrap_or_default()).to_vec();
                found.insert(name, (meta.len(), meta.ino(), hash));
            }
        }
    }
    found
}

#[test]
fn a_song_plays_without_network_in_every_quality_and_form() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start();
    let user = Cli::signed_in(&world);
    let song = &upload(&user, &[tagged(folder.path(), "Jóga", SAMPLES)])[0];
    let to = folder.path().join("kept");
    let mut all = Vec::new();
    for quality in ["best", "256", "128", "64"] {
        for single in [false, true] {
            let to = to.join(format!("{quality}-{single}"));
            let mut args = vec![song.as_str(), "--quality", quality, "--to", to.to_str().unwrap()];
            if single {
                args.push("--single-file");
            }
            let said = kept(&user, &args);
            assert!(said["error"].is_null() && said["skipped"] == false, "{said}");
            let again = kept(&user, &args);
            assert_eq!((path(&again), &again["skipped"]), (path(&said), &Value::Bool(true)));
            all.push((quality, single, said));
        }
    }
    // Nobody answers any more.
    if let World::Up(up) = &mut world {
        up.kill();
    }
    for (quality, single, said) in &all {
        let path = path(said);
        assert_eq!(music::samples(path, 2) as u64, SAMPLES, "{quality} {single}: {said}");
        let rung = said["rung"].as_str().unwrap();
        assert_eq!(rung == "flac", *quality == "best", "a sine is small in FLAC: {said}");
        if *single {
            check_tags(Path::new(path), rung == "flac");
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("http") && text.contains(&format!("\n{rung}/index.m3u8\n")), "{text}");
        let cover = Path::new(path).with_file_name("cover.jpg");
        assert!(fs::read(cover).unwrap().starts_with(&[0xff, 0xd8, 0xff]));
        let size: u64 = files(Path::new(path).parent().unwrap())
            .iter()
            .filter(|(name, _)| name.contains('/'))
            .map(|(_, (size, _, _))| size)
            .sum();
        assert_eq!(said["bytes"], size, "{said}");
    }
}

/// As ffprobe reads them.
fn check_tags(file: &Path, lossless: bool) {
    let extension = if lossless { "flac" } else { "m4a" };
    assert_eq!(file.file_name().unwrap().to_str().unwrap(), format!("Björk - Jóga.{extension}"));
    let done = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format_tags:stream=codec_type,codec_name,width",
            "-of",
            "json",
        ])
        .arg(file)
        .output()
        .unwrap();
    let probed: Value = serde_json::from_slice(&done.stdout).unwrap();
    let tags = probed["format"]["tags"].as_object().unwrap();
    let tag = |name: &str| {
        let found =
            tags.iter().find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| value.as_str().unwrap());
        found.unwrap_or_else(|| panic!("no {name} in {probed}"))
    };
    assert_eq!((tag("title"), tag("artist"), tag("album")), ("Jóga", "Björk", "Homogenic"));
    assert_eq!((tag("album_artist"), tag("genre"), tag("date")), ("Björk", "Trip-Hop", "1997"));
    assert_eq!((tag("track"), tag("disc")), ("2", "1"));
    assert_eq!(tag("lyrics"), "[00:01.00]All these accidents\n[00:02.50]that happen");
    let gain: f64 = tag("replaygain_track_gain").trim_end_matches(" dB").parse().unwrap();
    let peak: f64 = tag("replaygain_track_peak").parse().unwrap();
    assert!((-20.0..0.0).contains(&gain) && (0.3..0.6).contains(&peak), "{gain} {peak}");
    let streams = probed["streams"].as_array().unwrap();
    assert!(streams.iter().any(|s| s["codec_type"] == "video" && s["width"] == 640), "a cover: {probed}");
}

/// Numbers that are the same in every run.
fn seeded(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 27
}

#[test]
fn killed_at_twenty_points_it_goes_on_and_fetches_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::signed_in(&world);
    let song = &upload(&user, &[tagged(folder.path(), "Jóga", SAMPLES)])[0];
    // Alone, the server's URLs lead through whatever address it was asked at. The mesh names its edges itself; there the
    // files tell what was fetched again.
    let relay = Watched::start(world.address());
    relay.slow(Duration::from_millis(8));
    let through = Cli::signed_in(&Through::of(&world, &relay));
    let args = |to: &Path| {
        ["download", "--json", song, "--quality", "256", "--to", to.to_str().unwrap()].map(str::to_owned)
    };
    let whole = folder.path().join("whole");
    let _ = through.run(&args(&whole)).good();
    let whole = files(&whole);
    let most = whole.len() as u64 - 2;
    let mut killed = 0;
    for seed in 0..if alone(&world) { 20 } else { 6 } {
        let to = folder.path().join(format!("killed-{seed}"));
        let mut child = through.start(&args(&to));
        let wanted = seeded(seed) % most;
        let end = Instant::now() + Duration::from_secs(30);
        while (files(&to).len() as u64) < wanted
            && child.try_wait().unwrap().is_none()
            && Instant::now() < end
        {
            std::thread::sleep(Duration::from_micros(300));
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let right = |(name, (_, _, hash)): &(&String, &(u64, u64, Vec<u8>))| whole[*name].2 == *hash;
        let there = files(&to);
        let verified: BTreeMap<_, _> = there.iter().filter(right).collect();
        relay.take();
        let said = through.run(&args(&to)).good().json().remove(0);
        let asked: BTreeSet<String> =
            relay.take().iter().filter_map(|path| Some(path.splitn(6, '/').nth(5)?.to_owned())).collect();
        let now = files(&to);
        for (name, (_, inode, _)) in &verified {
            // "Björk - Jóga/aac-256/00001.m4s"
            let short = name.split_once('/').unwrap().1;
            assert!(!asked.contains(short), "{seed}: {name} was fetched again");
            assert_eq!(now[*name].1, *inode, "{seed}: {name} was written again");
        }
        let hashes = |files: &BTreeMap<String, (u64, u64, Vec<u8>)>| {
            files.iter().map(|(name, (_, _, hash))| (name.clone(), hash.clone())).collect::<Vec<_>>()
        };
        assert_eq!(hashes(&now), hashes(&whole), "{seed}");
        assert_eq!(music::samples(path(&said), 2) as u64, SAMPLES, "{seed}");
    }
    assert!(killed >= 15 || !alone(&world), "most of them were killed in time: {killed}");
}

/// The way to a server through a relay, when it is one that names no addresses of its own.
struct Through {
    url: String,
    email: String,
    password: String,
}

impl Through {
    fn of(world: &World, relay: &Watched) -> Self {
        let url = if alone(world) { relay.url() } else { world.url().to_owned() };
        Self { url, email: world.email().to_owned(), password: world.password().to_owned() }
    }
}

impl Server for Through {
    fn url(&self) -> &str {
        &self.url
    }
    fn email(&self) -> &str {
        &self.email
    }
    fn password(&self) -> &str {
        &self.password
    }
}

fn alone(world: &World) -> bool {
    matches!(world, World::Up(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_cut_says_what_to_do_and_the_rest_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start();
    let proxy = FaultProxy::start(up.address()).await.unwrap();
    proxy.set(Mode::Slow { latency: Duration::from_millis(2), bytes_per_second: 300_000 });
    let user = Cli::signed_in(&up);
    let song = upload(&user, &[tagged(folder.path(), "Jóga", SAMPLES)]).remove(0);
    let server = Through {
        url: format!("http://{}", proxy.address()),
        email: up.email().into(),
        password: up.password().into(),
    };
    let through = Cli::signed_in(&server);
    let to = folder.path().join("kept");
    let args =
        ["download", "--json", &song, "--quality", "256", "--patience", "2", "--to", to.to_str().unwrap()]
            .map(str::to_owned);
    let child = through.start(&args);
    let end = Instant::now() + Duration::from_secs(30);
    while files(&to).len() < 5 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.set(Mode::Cut);
    let done = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(!done.status.success() && said["path"].is_null(), "{said}");
    assert!(said["error"].as_str().unwrap().contains("run it again"), "{said}");

    // Cut before anything is asked: exit code 4, as everywhere.
    let through = std::sync::Arc::new(through);
    let run = |through: std::sync::Arc<Cli>| {
        let args = args.clone();
        tokio::task::spawn_blocking(move || through.run(&args))
    };
    assert_eq!(run(std::sync::Arc::clone(&through)).await.unwrap().code, 4);
    proxy.set(Mode::Pass);
    let said = run(through).await.unwrap().good().json().remove(0);
    up.kill();
    assert_eq!(music::samples(path(&said), 2) as u64, SAMPLES);
}

#[test]
fn what_cannot_be_kept_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (user, stranger) = (Cli::signed_in(&world), Cli::stranger(&world));
    let song = upload(&user, &[tagged(folder.path(), "Jóga", 100_000)]).remove(0);
    let to = folder.path().join("kept");
    let to = to.to_str().unwrap();
    let refused = |user: &Cli, args: &[&str], why: &str| {
        let ran = user.run(&[&["download"], args].concat());
        assert!(ran.code != 0 && (ran.err.clone() + &ran.out).contains(why), "{args:?}: {ran:?}");
        ran.code
    };
    let unknown = "0199f0aa-0000-7000-8000-000000000001";
    refused(&user, &[unknown, "--to", to], "there is no song, album or playlist");
    refused(&user, &["No such title at all", "--to", to], "there is no song, album or playlist");
    refused(&stranger, &[&song, "--to", to], "there is no song, album or playlist");
    assert_eq!(refused(&Cli::new(world.url()), &[&song, "--to", to], "not signed in"), 3);
    assert!(!Path::new(to).exists(), "nothing was made for what is not there");
    assert_eq!(refused(&user, &[&song, "--quality", "320", "--to", to], "invalid value"), 2);
    let file = folder.path().join("file");
    fs::write(&file, b"mine").unwrap();
    refused(&user, &[&song, "--to", file.to_str().unwrap()], "is a file and not a folder");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    refused(&user, &[&song, "--to", "/proc/kept"], "/proc/kept");
    let silent = folder.path().join("noise.wav");
    fs::write(&silent, b"this is no song").unwrap();
    let failed = user.upload(&[&silent]).remove(0);
    let failed = failed["song_id"].as_str().unwrap();
    let ran = user.run(&["download", "--json", failed, "--to", to]);
    let said = &ran.json()[0];
    assert_eq!((ran.code, &said["reason"]), (1, &json!("SONG_NOT_READY")), "{ran:?}");
    assert!(said["error"].as_str().is_some_and(|error| error.contains("does not play")), "{ran:?}");
}

#[test]
fn a_folder_that_was_half_deleted_is_made_whole() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::signed_in(&world);
    let song = upload(&user, &[tagged(folder.path(), "Jóga", SAMPLES)]).remove(0);
    let to = folder.path().join("kept");
    let args = [song.as_str(), "--quality", "128", "--to", to.to_str().unwrap()];
    let said = kept(&user, &args);
    let whole = files(&to);
    for (at, name) in whole.keys().enumerate().filter(|(at, _)| at % 2 == 0) {
        let path = to.join(name);
        if at % 4 == 0 { fs::remove_file(path).unwrap() } else { fs::write(path, b"damaged").unwrap() }
    }
    let again = kept(&user, &args);
    assert_eq!((&again["path"], &again["skipped"]), (&said["path"], &Value::Bool(false)));
    let now = files(&to);
    for (at, (name, (_, inode, hash))) in whole.iter().enumerate() {
        // A new file may get the number of one that was deleted.
        let untouched = at % 2 == 0 || now[name].1 == *inode;
        assert!(now[name].2 == *hash && untouched, "{name}");
    }
    assert_eq!(music::samples(path(&said), 2) as u64, SAMPLES);
}

#[test]
fn a_disk_that_is_full_says_so_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("small");
    fs::create_dir(&to).unwrap();
    let mount = |args: &[&str]| {
        let done = Command::new("mount").args(args).arg(&to).stderr(std::process::Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=400k", "tmpfs"]) {
        eprintln!("no file system can be mounted here: a full disk is not tested");
        return;
    }
    let ended = std::panic::catch_unwind(|| {
        let world = World::start();
        let user = Cli::signed_in(&world);
        let song = upload(&user, &[tagged(folder.path(), "Jóga", SAMPLES)]).remove(0);
        let args = [song.as_str(), "--quality", "256", "--to", to.to_str().unwrap()];
        let ran = user.run(&[&["download", "--json"], &args[..]].concat());
        let error = ran.json()[0]["error"].as_str().unwrap().to_owned();
        assert!(ran.code == 1 && error.contains("No space left on device"), "{error}");
        assert!(mount(&["-o", "remount,size=20m"]));
        let said = kept(&user, &args);
        assert_eq!(music::samples(path(&said), 2) as u64, SAMPLES);
    });
    let _ = Command::new("umount").arg(&to).status();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// Paths of a queue, in order.
fn queue(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("playlist.m3u8")).unwrap();
    assert!(text.starts_with("#EXTM3U\n#PLAYLIST:"), "{text}");
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// Runs `sync` and gives back what it printed.
fn sync(user: &Cli, playlist: &str, to: &Path, more: &[&str]) -> Vec<Value> {
    user.run(&[&["sync", "--json", playlist, to.to_str().unwrap()], more].concat()).good().json()
}

fn actions(said: &[Value]) -> Vec<&str> {
    said.iter().filter_map(|line| line["action"].as_str()).collect()
}

fn skipped(said: &[Value]) -> Vec<bool> {
    said.iter().filter_map(|line| line["skipped"].as_bool()).collect()
}

#[test]
fn an_album_comes_in_order_with_a_queue_that_plays() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::signed_in(&world);
    let titles = ["Jóga", "Hunter", "Bachelorette", "jóga"];
    let songs: Vec<PathBuf> =
        (0..4).map(|at| tagged(folder.path(), titles[at], 30_000 + 1000 * at as u64)).collect();
    let ids = upload(&user, &songs);
    for (at, id) in ids.iter().enumerate() {
        let _ = user.run(&["edit", id, "--track", &(4 - at).to_string()]).good();
    }
    let end = Instant::now() + Duration::from_secs(20);
    let shown = loop {
        let shown = user.run(&["show", &ids[0], "--json"]).good().json().remove(0);
        let albums = user.run(&["albums", "--json"]).good().json();
        if albums.len() == 1 && albums[0]["song_count"] == 4 {
            break albums[0].clone();
        }
        assert!(Instant::now() < end, "{shown} {albums:?}");
        std::thread::sleep(Duration::from_millis(100));
    };
    for more in [&[][..], &["--single-file"]] {
        let to = folder.path().join(format!("album{}", more.len()));
        let album = shown["album_id"].as_str().unwrap();
        let ran = user.run(&[&["download", "--json", album, "--to", to.to_str().unwrap()], more].concat());
        let said = ran.good().json();
        let order: Vec<&str> = said.iter().map(|song| song["song_id"].as_str().unwrap()).collect();
        assert_eq!(order, [&ids[3], &ids[2], &ids[1], &ids[0]]);
        let queue = queue(&to);
        for (at, (entry, song)) in queue.iter().zip(&said).enumerate() {
            let file = to.join(entry);
            assert_eq!(file.to_str().unwrap(), path(song));
            assert_eq!(music::samples(path(song), 2), 33_000 - 1000 * at);
            assert!(song["skipped"] == false && song["bytes"].as_u64() > Some(0), "{song}");
        }
        let names: BTreeSet<String> = queue.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!((queue.len(), names.len()), (4, 4), "two songs of one name do not meet: {queue:?}");
    }
}

/// Waits until a playlist is read as it was changed.
fn becomes(user: &Cli, list: &str, titles: &[&str]) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let shown = user.run(&["playlist", "show", "--json", list]).good().json();
        let found: Vec<&str> = shown.iter().filter_map(|item| item["title"].as_str()).collect();
        if found == titles {
            return;
        }
        assert!(Instant::now() < end, "{shown:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_folder_follows_a_playlist_and_keeps_its_hands_off_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::signed_in(&world);
    let songs: Vec<PathBuf> =
        ["One", "Two", "Three"].iter().map(|title| tagged(folder.path(), title, 40_000)).collect();
    let ids = upload(&user, &songs);
    let made = user.run(&["playlist", "create", "--json", "Road trip"]).good().json();
    let list = made[0]["playlist_id"].as_str().unwrap();
    let _ = user.run(&["playlist", "add", list, &ids[0], &ids[1], &ids[0]]).good();
    let (hls, single) = (folder.path().join("hls"), folder.path().join("single"));
    let both =
        [(&hls, &["--quality", "128"][..], ""), (&single, &["--single-file", "--quality", "128"], ".m4a")];
    for (to, more, _) in &both {
        assert_eq!(skipped(&sync(&user, list, to, more)), [false, false]);
        let before = files(to);
        assert_eq!(skipped(&sync(&user, list, to, more)), [true, true]);
        assert_eq!(files(to).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        fs::write(to.join("mine.txt"), b"mine").unwrap();
    }
    fs::write(hls.join("Björk - Two/notes.txt"), b"mine").unwrap();
    assert_eq!(queue(&hls), ["One", "Two", "One"].map(|name| format!("Björk - {name}/master.m3u8")));
    let segment = |name: &str| files(&hls)[&format!("{name}/aac-128/00001.m4s")].1;
    let (inode, audio) =
        (segment("Björk - One"), music::decode(single.join("Björk - One.m4a").to_str().unwrap()));

    let _ = user.run(&["edit", &ids[0], "--title", "Uno", "--year", "2001"]).good();
    let _ = user.run(&["playlist", "rm", list, &ids[1]]).good();
    let _ = user.run(&["playlist", "add", list, &ids[2]]).good();
    becomes(&user, list, &["Uno", "Uno", "Three"]);
    for (to, more, end) in &both {
        let said = sync(&user, list, to, more);
        assert_eq!(actions(&said), ["removed", "renamed"], "{said:?}");
        let end = if end.is_empty() { "/master.m3u8" } else { end };
        assert_eq!(queue(to), ["Uno", "Uno", "Three"].map(|name| format!("Björk - {name}{end}")));
        assert_eq!(fs::read(to.join("mine.txt")).unwrap(), b"mine");
    }
    assert_eq!(segment("Björk - Uno"), inode, "renamed, not fetched again");
    let uno = single.join("Björk - Uno.m4a");
    assert!(music::decode(uno.to_str().unwrap()) == audio, "other tags around the same audio");
    let tags = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format_tags=title,date", "-of", "csv=p=0"])
        .arg(&uno)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&tags.stdout).trim(), "Uno,2001");
    let left: Vec<String> = files(&hls.join("Björk - Two")).into_keys().collect();
    assert_eq!(left, ["notes.txt"], "what is not ours stays, and nothing else");
    assert!(!single.join("Björk - Two.m4a").exists());

    // Changed by its owner: left, and said.
    fs::write(&uno, b"mine now").unwrap();
    let said = sync(&user, list, &single, both[1].1);
    assert!(
        said.iter().any(|line| line["note"].as_str().is_some_and(|note| note.contains("changed"))),
        "{said:?}"
    );
    assert_eq!(fs::read(&uno).unwrap(), b"mine now");
    let _ = user.run(&["playlist", "rm", list, "1", "2"]).good();
    becomes(&user, list, &["Three"]);
    let said = sync(&user, list, &single, both[1].1);
    assert!(said[0]["left"][0].as_str().unwrap().ends_with("Uno.m4a"), "{said:?}");
    assert_eq!(fs::read(&uno).unwrap(), b"mine now");

    // Deleted on the server: listed, and what is here stays and plays.
    let _ = user.run(&["rm", "-y", &ids[2]]).good();
    let end = Instant::now() + Duration::from_secs(20);
    let said = loop {
        let said = sync(&user, list, &hls, both[0].1);
        if actions(&said).contains(&"unavailable") {
            break said;
        }
        assert!(Instant::now() < end, "{said:?}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(said.iter().any(|line| line["song_id"] == ids[2].as_str()), "{said:?}");
    assert_eq!(queue(&hls), ["Björk - Three/master.m3u8"]);
    assert_eq!(music::samples(hls.join("Björk - Three/master.m3u8").to_str().unwrap(), 2), 40_000);

    let other = user.run(&["playlist", "create", "--json", "Another"]).good().json();
    let other = user.run(&["sync", other[0]["playlist_id"].as_str().unwrap(), hls.to_str().unwrap()]);
    assert!(other.code == 1 && other.err.contains("follows the playlist"), "{other:?}");
}
