//! Finding songs from upload to deletion, and the index against the database.

use segue_domain::SongId;
use segue_e2e::{cli::Cli, music, up::Up};
use segue_index::{Tantivy, TantivyConfig};
use segue_ports::index::{Document, Index, Kind, Scan, Write};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// From a change to what search says of it.
const BOUND: Duration = Duration::from_secs(5);

fn tones(folder: &TempDir, titles: &[&str]) -> Vec<PathBuf> {
    let tone = |(n, title): (usize, &&str)| {
        let file = folder.path().join(format!("{title}.wav"));
        // Different lengths, so that none is a duplicate of another.
        music::sine(22_050 + 441 * n as u64, 44_100, &file);
        file
    };
    titles.iter().enumerate().map(tone).collect()
}

fn upload(user: &Cli, files: &[PathBuf]) -> Vec<String> {
    let paths: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    let songs = user.upload(&paths);
    songs.iter().map(|s| s["song_id"].as_str().unwrap_or_else(|| panic!("{songs:?}")).to_owned()).collect()
}

/// Ids of what a user finds.
fn find(user: &Cli, words: &str) -> Vec<String> {
    let hits = user.run(&["search", "--json", words]).good().json();
    assert!(hits.iter().all(|h| h["title"].is_string() && h["score"].is_number()), "{hits:?}");
    hits.iter().map(|h| h["song_id"].as_str().unwrap().to_owned()).collect()
}

fn becomes(user: &Cli, words: &str, expected: &[&str]) {
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

fn differences(admin: &Cli) -> Vec<Value> {
    let ran = admin.run(&["index", "verify", "--json"]);
    let found = ran.json();
    assert_eq!(ran.code, i32::from(!found.is_empty()), "{ran:?}");
    found
}

#[test]
fn a_song_is_found_by_who_may_see_it_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start();
    let (ada, bob) = (Cli::signed_up(&up, "ada@example.org"), Cli::signed_up(&up, "bob@example.org"));
    let (admin, nobody) = (Cli::signed_in(&up), Cli::new(up.url()));
    let ids = upload(&ada, &tones(&folder, &["Évora Sunrise", "Porcelain"]));
    let (sunrise, porcelain) = (ids[0].as_str(), ids[1].as_str());

    becomes(&ada, "evora", &[sunrise]);
    becomes(&admin, "evora", &[sunrise]);
    assert_eq!((find(&bob, "evora"), find(&nobody, "evora")), (vec![], vec![]), "it is private");

    let edit = ["edit", sunrise, "--visibility", "public", "--artist", "Cesária", "--album", "Mar Azul"];
    let _ = ada.run(&edit).good();
    for user in [&bob, &nobody] {
        becomes(user, "evora", &[sunrise]);
        // A typo, an unfinished word of the artist, the album.
        for words in ["sunrize", "cesar", "mar azul"] {
            assert_eq!(find(user, words), [sunrise], "{words:?}");
        }
    }
    let shown = nobody.run(&["search", "evora"]).good().out;
    assert!(["Évora Sunrise", "Cesária", "Mar Azul"].iter().all(|text| shown.contains(text)), "{shown}");
    let nothing = nobody.run(&["search", "porcelain"]).good();
    assert_eq!(nothing.out, "nothing found\n");

    let quiet = admin.run(&["index", "verify"]).good();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let refused = ada.run(&["index", "verify"]);
    assert!(refused.code == 1 && refused.err.contains("administrator"), "{refused:?}");

    let _ = ada.run(&["edit", sunrise, "--visibility", "private"]).good();
    becomes(&bob, "evora", &[]);
    assert_eq!(find(&ada, "evora"), [sunrise]);
    let _ = ada.run(&["rm", "-y", sunrise]).good();
    becomes(&ada, "evora", &[]);
    assert_eq!(find(&ada, "porcelain"), [porcelain]);
    assert_eq!(differences(&admin), Vec::<Value>::new());
}

/// Writes to the index of a server that does not run what `make` makes of what is in it.
fn tamper(up: &Up, make: impl FnOnce(Vec<Document>) -> Vec<Write>) {
    // A runtime of its own: when it has ended, nothing of the index is open any more.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let index = Tantivy::open(up.data().join("index"), TantivyConfig::default()).await.unwrap();
        let Scan { documents, next } = index.scan(Kind::Song, None, 1_000).await.unwrap();
        assert_eq!(next, None);
        index.apply(&make(documents)).await.unwrap();
        index.sync().await.unwrap();
    });
}

#[test]
fn what_was_altered_deleted_and_added_behind_its_back_is_named_and_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start();
    let admin = Cli::signed_in(&up);
    let ids = upload(&admin, &tones(&folder, &["one", "two", "three", "four"]));
    for (id, title) in ids.iter().zip(["one", "two", "three", "four"]) {
        becomes(&admin, title, &[id]);
    }
    assert!(up.stop());

    let foreign = SongId::new().to_string();
    tamper(&up, |documents| {
        let of = |id: &str| documents.iter().find(|d| d.id == id).cloned().unwrap();
        let (altered, deleted) = (of(&ids[0]), of(&ids[1]));
        let later = altered.version + 1;
        vec![
            Write::Put(Box::new(Document { title: "tampered".into(), version: later, ..altered })),
            Write::Delete { kind: Kind::Song, id: deleted.id, version: deleted.version + 1 },
            Write::Put(Box::new(Document { id: foreign.clone(), title: "foreign".into(), ..of(&ids[2]) })),
        ]
    });
    up.restart();

    let found = differences(&admin);
    let named: BTreeMap<&str, &str> =
        found.iter().map(|d| (d["id"].as_str().unwrap(), d["difference"].as_str().unwrap())).collect();
    let expected = [(ids[0].as_str(), "STALE"), (ids[1].as_str(), "MISSING"), (foreign.as_str(), "FOREIGN")];
    assert_eq!(named, BTreeMap::from(expected), "{found:?}");
    let stale = found.iter().find(|d| d["difference"] == "STALE").unwrap();
    assert_eq!(stale["fields"], serde_json::json!(["version", "title"]));
    let told = admin.run(&["index", "verify"]);
    assert_eq!((told.code, told.out.lines().count()), (1, 3), "{told:?}");
    assert!(told.err.contains("3 differences"), "{told:?}");

    // A rebuild keeps tombstones, so that late facts raise nothing; a newer version rises above one.
    for year in ["1998", "1999"] {
        let _ = admin.run(&["edit", &ids[1], "--year", year]).good();
    }
    let rebuilt = admin.run(&["index", "rebuild", "--json"]).good().json();
    assert_eq!(rebuilt.last().unwrap()["songs"], 4, "{rebuilt:?}");
    assert_eq!(differences(&admin), Vec::<Value>::new());
    becomes(&admin, "two", &[&ids[1]]);
    assert_eq!(find(&admin, "foreign"), Vec::<String>::new());
}

#[test]
fn an_index_that_was_lost_is_made_again_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start();
    let user = Cli::signed_in(&up);
    let ids = upload(&user, &tones(&folder, &["one", "two"]));
    becomes(&user, "two", &[&ids[1]]);
    assert!(up.stop());
    std::fs::remove_dir_all(up.data().join("index")).unwrap();
    up.restart();
    becomes(&user, "one", &[&ids[0]]);
    becomes(&user, "two", &[&ids[1]]);
    assert_eq!(differences(&user), Vec::<Value>::new());
}
