//! What users do while things break, and what was acknowledged to them.

use crate::{
    cli::Cli,
    hls, music,
    world::{PASSWORD, Server},
};
use segue_client::{
    Client, MemoryCredentials,
    proto::{
        search::v1::SearchRequest,
        song::v1::{GetPlaybackRequest, GetSongRequest},
    },
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tonic::Code;

const PAUSE: Duration = Duration::from_millis(100);
/// Where every song is put when its title is edited.
const ALBUM: &str = "Kept";
/// Longest wait for one answer; a call that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(5);
/// Two search processes may each wait 2.5 s for an index that says nothing.
const SEARCH_LIMIT: Duration = Duration::from_secs(8);

/// A song whose upload was acknowledged.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// Its id.
    pub id: String,
    /// Samples per channel of what was sent.
    pub samples: u64,
    /// Titles that it may have now: one when the last edit was acknowledged.
    pub titles: Vec<String>,
    /// Whether it was acknowledged to be in the listener's playlist.
    pub listed: bool,
    /// Whether the like of it was acknowledged.
    pub liked: bool,
}

/// How a kind of request went.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Answered well.
    pub good: u32,
    /// Failed, with what was said.
    pub bad: Vec<String>,
    /// The longest wait for a good answer.
    pub slowest: Duration,
}

impl Tally {
    fn count(&mut self, began: Instant, answer: Result<(), String>) {
        match answer {
            Ok(()) => {
                self.good += 1;
                self.slowest = self.slowest.max(began.elapsed());
            }
            Err(why) => self.bad.push(why),
        }
    }
}

/// What happened.
#[derive(Debug, Default)]
pub struct Report {
    /// Acknowledged uploads.
    pub uploaded: Vec<Uploaded>,
    /// Reads of a song that was read before.
    pub reads: Tally,
    /// Fetches of a segment that was played before.
    pub plays: Tally,
    /// Searches; a bad one says its code.
    pub searches: Tally,
}

/// A user who has a song that was played before.
pub struct Listener {
    url: String,
    email: String,
    folder: tempfile::TempDir,
    /// The song.
    pub song: String,
    /// A playlist, to which everything that is uploaded is added.
    playlist: String,
    /// Of a segment, below the folder of the master playlist.
    segment: String,
}

impl Listener {
    /// Signs up, uploads a song, and reads and plays it, so that caches have it.
    ///
    /// # Panics
    /// When that does not work: nothing is broken yet.
    pub fn new(url: &str) -> Self {
        let email = format!("{:016x}@example.org", rand::random::<u64>());
        let cli = Cli::signed_up_at(url, &email);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("warm.wav");
        music::sine(600_000, 44_100, &file);
        let uploaded = cli.upload(&[&file]).remove(0);
        assert_eq!(uploaded["state"], "READY", "{uploaded}");
        let song = uploaded["song_id"].as_str().expect("an id").to_owned();
        let master = uploaded["playback_url"].as_str().expect("a URL").to_owned();
        let variant = hls::variants(&master).remove(0);
        let folder_url = master.rsplit_once('/').expect("a path").0;
        let segment = hls::segments(&variant.url).remove(0);
        let segment = segment.strip_prefix(folder_url).expect("below it").to_owned();
        let made = cli.run(&["playlist", "create", "--json", "Kept"]).good().json();
        let playlist = made[0]["playlist_id"].as_str().expect("an id").to_owned();
        Self { url: url.to_owned(), email, folder, song, playlist, segment }
    }

    /// This user's command line.
    pub fn cli(&self) -> Cli {
        let cli = Cli::new(&self.url);
        let _ = cli.run_with(&["login", "--email", &self.email, "--password-stdin"], PASSWORD).good();
        cli
    }

    /// Begins to upload, edit, collect, like, read, play and search.
    pub fn work(&self, round: u64) -> Workload {
        let stop = Arc::new(AtomicBool::new(false));
        let uploads = {
            let (stop, cli, folder) = (Arc::clone(&stop), self.cli(), self.folder.path().to_owned());
            let playlist = self.playlist.clone();
            std::thread::spawn(move || upload(&stop, &cli, &folder, &playlist, round))
        };
        let (url, email, song) = (self.url.clone(), self.email.clone(), self.song.clone());
        let (segment, ended) = (self.segment.clone(), Arc::clone(&stop));
        let asking = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(ask(&ended, &url, &email, &song, &segment))
        });
        Workload { stop, uploads, asking }
    }
}

/// Users at work.
pub struct Workload {
    stop: Arc<AtomicBool>,
    uploads: JoinHandle<Vec<Uploaded>>,
    asking: JoinHandle<(Tally, Tally, Tally)>,
}

impl Workload {
    /// Lets everybody finish what they are at.
    ///
    /// # Panics
    /// When one of them did.
    pub fn finish(self) -> Report {
        self.stop.store(true, Ordering::SeqCst);
        let uploaded = self.uploads.join().expect("uploads end");
        let (reads, plays, searches) = self.asking.join().expect("questions end");
        Report { uploaded, reads, plays, searches }
    }
}

fn upload(stop: &AtomicBool, cli: &Cli, folder: &Path, playlist: &str, round: u64) -> Vec<Uploaded> {
    let mut done = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let samples = 60_000 + 1_000 * (round % 50) + n;
        let title = format!("Round {round} number {n}");
        let file: PathBuf = folder.join(format!("{title}.wav"));
        music::sine(samples, 44_100, &file);
        let path = file.to_str().expect("a path");
        let ran = cli.run(&["upload", "--json", "--no-wait", "--patience", "90", path]);
        let object =
            ran.out.lines().next().and_then(|l| serde_json::from_str::<Value>(l).ok()).unwrap_or_default();
        let (true, Some(id)) = (ran.code == 0, object["song_id"].as_str()) else { continue };
        let edited = format!("{title} edited");
        let edit = cli.run(&["edit", id, "--title", &edited, "--album", ALBUM, "--json"]);
        let titles = if edit.code == 0 { vec![edited] } else { vec![title, edited] };
        let listed = cli.run(&["playlist", "add", "--json", playlist, id]).code == 0;
        let liked = cli.run(&["like", "--json", id]).code == 0;
        done.push(Uploaded { id: id.to_owned(), samples, titles, listed, liked });
    }
    done
}

async fn ask(stop: &AtomicBool, url: &str, email: &str, song: &str, segment: &str) -> (Tally, Tally, Tally) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::new(url, Arc::new(MemoryCredentials::default())).expect("a client");
    client.sign_in(email, PASSWORD, "workload").await.expect("signed in before anything breaks");
    let request = client.request(GetPlaybackRequest { song_id: song.into() }).await.expect("signed in");
    let playback = client.songs().get_playback(request).await.expect("it plays").into_inner();
    // As a player does: one edge, and the next one when that does not answer.
    let edges: Vec<String> = std::iter::once(&playback.master_url)
        .chain(&playback.fallback_urls)
        .map(|master| format!("{}{segment}", master.rsplit_once('/').expect("a path").0))
        .collect();
    let (mut reads, mut plays, mut searches) = (Tally::default(), Tally::default(), Tally::default());
    while !stop.load(Ordering::SeqCst) {
        let began = Instant::now();
        let read = async {
            let request =
                client.request(GetSongRequest { song_id: song.into() }).await.map_err(|e| e.to_string())?;
            let answer = client.songs().get_song(request).await;
            answer.map(drop).map_err(|s| format!("{:?} {}", s.code(), s.message()))
        };
        let answer = tokio::time::timeout(LIMIT, read).await.unwrap_or(Err("no answer".into()));
        reads.count(began, answer);
        let began = Instant::now();
        let play = async {
            let mut last = Err("no edge".to_owned());
            for url in &edges {
                last = fetch(client.http(), url).await;
                if last.is_ok() {
                    break;
                }
            }
            last
        };
        let answer = tokio::time::timeout(LIMIT, play).await.unwrap_or(Err("no answer".into()));
        plays.count(began, answer);
        let began = Instant::now();
        let search = async {
            let request = SearchRequest { query: "warm".into(), ..Default::default() };
            let request = client.request(request).await.map_err(|e| e.to_string())?;
            let answer = client.searches().search(request).await;
            answer.map(drop).map_err(|s| format!("{:?}", s.code()))
        };
        let answer =
            tokio::time::timeout(SEARCH_LIMIT, search).await.unwrap_or(Err(format!("{:?}", Code::Cancelled)));
        searches.count(began, answer);
        tokio::time::sleep(PAUSE).await;
    }
    (reads, plays, searches)
}

async fn fetch(http: &reqwest::Client, url: &str) -> Result<(), String> {
    let answer = http.get(url).send().await.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    answer.bytes().await.map_err(|e| e.to_string())?;
    if status == 200 { Ok(()) } else { Err(status.to_string()) }
}

/// Waits until every acknowledged song is READY with an acknowledged title, is on its album, in the playlist once and liked
/// where that was acknowledged, and plays all of its samples.
///
/// # Panics
/// When one is lost, doubled, altered or does not become READY and come to its album within `limit`.
pub fn nothing_is_lost(listener: &Listener, uploaded: &[Uploaded], limit: Duration) {
    let cli = listener.cli();
    let end = Instant::now() + limit;
    for song in uploaded {
        let shown = loop {
            let ran = cli.run(&["show", &song.id, "--json"]);
            let shown = ran
                .out
                .lines()
                .next()
                .and_then(|l| serde_json::from_str::<Value>(l).ok())
                .unwrap_or_default();
            if ran.code == 0 && shown["state"] == "READY" {
                break shown;
            }
            assert_ne!(shown["state"], "FAILED", "{shown}");
            assert!(Instant::now() < end, "{} is not READY: {ran:?}", song.id);
            std::thread::sleep(Duration::from_millis(200));
        };
        let title = shown["title"].as_str().unwrap_or_default();
        assert!(song.titles.iter().any(|t| t == title), "{title:?} and not {:?}", song.titles);
    }
    let ids = |words: &[&str]| -> Vec<String> {
        let lines = cli.run(words).good().json();
        lines.iter().map(|line| line["song_id"].as_str().expect("an id").to_owned()).collect()
    };
    let (kept, likes) = (
        ids(&["playlist", "show", "--json", &listener.playlist]),
        ids(&["likes", "--json", "--limit", "1000"]),
    );
    for song in uploaded {
        let times = kept.iter().filter(|id| **id == song.id).count();
        assert!(times <= 1 && (times == 1 || !song.listed), "{} is in the playlist {times} times", song.id);
        assert!(!song.liked || likes.contains(&song.id), "the like of {} is lost", song.id);
    }
    let edited = uploaded.iter().filter(|song| song.titles.len() == 1);
    let edited: Vec<_> = edited.map(|song| song.id.as_str()).collect();
    loop {
        let on_album = cli.run(&["albums", ALBUM, "--json"]);
        let missing: Vec<_> = edited.iter().filter(|id| !on_album.out.contains(**id)).collect();
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "{missing:?} are not on their album: {on_album:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    // A sample of them is listened to from beginning to end.
    for song in uploaded.iter().rev().take(2) {
        let played = cli.run(&["play", &song.id, "--json"]).good().json();
        let url = played[0]["playback_url"].as_str().expect("a URL");
        assert_eq!(music::samples(url, 2) as u64, song.samples, "{}", song.id);
    }
}

/// Compares the index with the database until they are equal.
///
/// # Panics
/// When they are not within `limit`.
pub fn index_is_in_step(admin: &impl Server, limit: Duration) {
    let cli = Cli::signed_in(admin);
    let end = Instant::now() + limit;
    loop {
        let ran = cli.run(&["index", "verify", "--json"]);
        if ran.code == 0 && ran.out.trim().is_empty() {
            return;
        }
        assert!(Instant::now() < end, "the index differs from the database: {ran:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}
