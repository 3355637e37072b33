//! The index against the database: what was done to it behind its back is named and repaired.

use segue_domain::SongId;
use segue_e2e::{
    cli::Cli,
    finding::{becomes, differences, find, tones, upload},
    up::Up,
};
use segue_index::{Tantivy, TantivyConfig};
use segue_ports::index::{Document, Index, Kind, Scan, Write};
use serde_json::Value;
use std::collections::BTreeMap;

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
