//! Words for tests of search.

use crate::{cli::Cli, music};
use serde_json::Value;
use std::{
    fmt::Debug,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// From a change to what search says of it.
pub const BOUND: Duration = Duration::from_secs(5);

/// Short sounds with these titles.
///
/// # Panics
/// When they cannot be made.
pub fn tones(folder: &TempDir, titles: &[&str]) -> Vec<PathBuf> {
    let tone = |(n, title): (usize, &&str)| {
        let file = folder.path().join(format!("{title}.wav"));
        // Different lengths, so that none is a duplicate of another.
        music::sine(22_050 + 441 * n as u64, 44_100, &file);
        file
    };
    titles.iter().enumerate().map(tone).collect()
}

/// Uploads files and gives back the ids of their songs.
///
/// # Panics
/// When one does not become READY.
pub fn upload(user: &Cli, files: &[PathBuf]) -> Vec<String> {
    let paths: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    let songs = user.upload(&paths);
    songs.iter().map(|s| s["song_id"].as_str().unwrap_or_else(|| panic!("{songs:?}")).to_owned()).collect()
}

/// Ids of the songs that a user finds.
///
/// # Panics
/// When the search fails.
pub fn find(user: &Cli, words: &str) -> Vec<String> {
    let hits = user.run(&["search", "--json", words]).good().json();
    assert!(hits.iter().all(|h| h["title"].is_string() && h["score"].is_number()), "{hits:?}");
    let songs = hits.iter().filter(|hit| hit["kind"] == "song");
    songs.map(|h| h["song_id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until it looks as it should.
///
/// # Panics
/// When it does not within [`BOUND`].
#[track_caller]
pub fn within<T: PartialEq + Debug>(look: impl Fn() -> T, expected: &T) {
    let begin = Instant::now();
    loop {
        let seen = look();
        if seen == *expected {
            return;
        }
        assert!(begin.elapsed() < BOUND, "{seen:?} and not {expected:?} after {BOUND:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until a user finds exactly these.
///
/// # Panics
/// When that is not so within [`BOUND`].
pub fn becomes(user: &Cli, words: &str, expected: &[&str]) {
    let begin = Instant::now();
    loop {
        let found = find(user, words);
        if found == expected {
            return;
        }
        assert!(begin.elapsed() < BOUND, "{words:?} finds {found:?} and not {expected:?} after {BOUND:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Differences between index and database.
///
/// # Panics
/// When the exit code does not say the same.
pub fn differences(admin: &Cli) -> Vec<Value> {
    let ran = admin.run(&["index", "verify", "--json"]);
    let found = ran.json();
    assert_eq!(ran.code, i32::from(!found.is_empty()), "{ran:?}");
    found
}
