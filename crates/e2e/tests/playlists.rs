//! Playlists: made, filled, ordered, shared, followed, taken along, and what becomes of them when songs change.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    cli::Cli,
    finding::{BOUND, tones, upload, within},
    world::World,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    time::Instant,
};

/// What a command says in JSON.
fn said(user: &Cli, args: &[&str]) -> Vec<Value> {
    user.run(&[args, &["--json"]].concat()).good().json()
}

fn create(user: &Cli, title: &str, more: &[&str]) -> String {
    let made = said(user, &[&["playlist", "create", title], more].concat());
    made[0]["playlist_id"].as_str().unwrap().to_owned()
}

/// Titles in order; "-" for what is not available.
fn titles(user: &Cli, playlist: &str) -> Vec<String> {
    let title = |item: &Value| match item["available"].as_bool().unwrap() {
        true => item["title"].as_str().unwrap().to_owned(),
        false => "-".to_owned(),
    };
    said(user, &["playlist", "show", playlist]).iter().map(title).collect()
}

#[test]
fn a_playlist_is_made_filled_and_put_in_order_by_titles_and_by_ids() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::stranger(&world);
    let names = ["Hyperballad", "Possibly Maybe", "Army of Me", "Isobel"];
    let songs = upload(&user, &tones(&folder, &names));
    let list = create(&user, "Post", &["--description", "1995"]);

    let added = said(&user, &["playlist", "add", &list, &songs[0], &songs[1]]);
    assert_eq!(added.iter().map(|a| a["song_id"].as_str().unwrap()).collect::<Vec<_>>(), songs[..2]);
    assert!(added.iter().all(|a| a["item_id"].is_string()));
    // By title, in any case, and at a place.
    let _ = user.run(&["playlist", "add", "post", "army of me", "--first"]).good();
    let _ = user.run(&["playlist", "add", "Post", "Isobel", "--before", "2"]).good();
    assert_eq!(titles(&user, "Post"), ["Army of Me", "Isobel", "Hyperballad", "Possibly Maybe"]);

    let _ = user.run(&["playlist", "mv", "Post", "4", "--first"]).good();
    let _ = user.run(&["playlist", "mv", "Post", "Isobel", "--after", "hyperballad"]).good();
    let item = said(&user, &["playlist", "show", "Post"])[0]["item_id"].as_str().unwrap().to_owned();
    let _ = user.run(&["playlist", "mv", "Post", &item, "--last"]).good();
    assert_eq!(titles(&user, "Post"), ["Army of Me", "Hyperballad", "Isobel", "Possibly Maybe"]);
    // Its own place, and beside itself.
    for place in [["--before", "1"], ["--after", "1"]] {
        let _ = user.run(&[&["playlist", "mv", "Post", "1"], &place[..]].concat()).good();
    }
    let _ = user.run(&["playlist", "rm", "Post", "2", &songs[3]]).good();
    assert_eq!(titles(&user, &list), ["Army of Me", "Possibly Maybe"]);

    // The same song twice is two items, until that is refused.
    let _ = user.run(&["playlist", "add", "Post", "Army of Me"]).good();
    let twice = user.run(&["playlist", "rm", "Post", "Army of Me"]);
    assert!(twice.code == 1 && twice.err.contains("1, 3"), "{twice:?}");
    let _ =
        user.run(&["playlist", "edit", "Post", "--refuse-duplicates", "true", "--title", "Post 2"]).good();
    let refused = user.run(&["playlist", "add", "Post 2", "Army of Me", "--json"]);
    let error: Value = serde_json::from_str(refused.err.trim()).unwrap();
    assert_eq!((refused.code, &error["error"]["reason"]), (1, &json!("SONG_DUPLICATE")), "{refused:?}");

    within(|| said(&user, &["playlist", "ls"]).len(), &1);
    let listed = &said(&user, &["playlist", "ls"])[0];
    assert_eq!(
        (&listed["title"], &listed["item_count"], &listed["role"]),
        (&json!("Post 2"), &json!(3), &json!("OWNER"))
    );
    let shown = user.run(&["playlist", "show", "Post 2"]).good().out;
    assert!(
        shown.contains("1995") && shown.contains("3 songs") && shown.contains("Possibly Maybe"),
        "{shown}"
    );

    let queue = user.run(&["play", "Post 2"]).good().out;
    assert_eq!(
        (queue.lines().next(), queue.matches("/master.m3u8").count()),
        (Some("#EXTM3U"), 3),
        "{queue}"
    );
    let file = folder.path().join("queue.m3u8");
    let _ = user.run(&["play", &list, "--to", file.to_str().unwrap()]).good();
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 7);

    let _ = user.run(&["playlist", "delete", "Post 2", "--yes"]).good();
    let gone = user.run(&["playlist", "show", &list]);
    assert!(gone.code == 1 && gone.err.contains("there is no playlist"), "{gone:?}");
    within(|| said(&user, &["playlist", "ls"]).len(), &0);
}

#[test]
fn a_playlist_is_shared_by_invitation_and_by_account_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (owner, stranger, fan) = (Cli::stranger(&world), Cli::stranger(&world), Cli::stranger(&world));
    let friend_email = format!("{:016x}@example.org", rand::random::<u64>());
    let friend = Cli::signed_up(&world, &friend_email);
    let songs = upload(&owner, &tones(&folder, &["One", "Two"]));
    for song in &songs {
        let _ = owner.run(&["edit", song, "--visibility", "public"]).good();
    }
    let title = format!("Shared {:08x}", rand::random::<u32>());
    let list = create(&owner, &title, &[]);
    let _ = owner.run(&["playlist", "add", &list, &songs[0]]).good();
    assert_eq!(friend.run(&["playlist", "show", &list]).code, 1, "it is private");

    let invitation = said(&owner, &["playlist", "share", &list]);
    let token = invitation[0]["token"].as_str().unwrap();
    let _ = friend.run(&["playlist", "join", token]).good();
    let _ = friend.run(&["playlist", "join", token]).good();
    let used = stranger.run(&["playlist", "join", token]);
    assert!(used.code == 1 && used.err.contains("used"), "{used:?}");
    within(|| said(&friend, &["playlist", "ls", "--only", "shared"]).len(), &1);
    assert_eq!(titles(&friend, &title), ["One"]);
    let viewer = friend.run(&["playlist", "add", &list, &songs[1]]);
    assert!(viewer.code == 1 && viewer.err.contains("editors"), "{viewer:?}");

    let _ = owner.run(&["playlist", "share", &list, "--role", "editor", "--user", &friend_email]).good();
    let _ = friend.run(&["playlist", "add", &list, &songs[1], "--first"]).good();
    assert_eq!(titles(&owner, &list), ["Two", "One"]);
    let members = said(&owner, &["playlist", "members", &list]);
    assert_eq!((members.len(), &members[0]["role"]), (1, &json!("EDITOR")), "{members:?}");
    assert!(members[0]["display_name"].as_str().is_some_and(|name| !name.is_empty()), "{members:?}");
    let unknown = owner.run(&["playlist", "share", &list, "--user", "nobody@example.org"]);
    assert!(unknown.code == 1 && unknown.err.contains("nobody@example.org"), "{unknown:?}");

    // Public playlists are followed, found by title, and gone again when they are hidden.
    let _ = owner.run(&["playlist", "edit", &list, "--visibility", "public"]).good();
    within(|| fan.run(&["playlist", "follow", &title]).code, &0);
    within(|| said(&fan, &["playlist", "ls", "--only", "followed"]).len(), &1);
    assert_eq!(titles(&fan, &title), ["Two", "One"]);
    assert_eq!(fan.run(&["playlist", "rm", &list, "1"]).code, 1);
    let _ = fan.run(&["playlist", "unfollow", &list]).good();
    within(|| said(&fan, &["playlist", "ls"]).len(), &0);

    let _ = friend.run(&["playlist", "leave", &list]).good();
    let _ = owner.run(&["playlist", "edit", &list, "--visibility", "private"]).good();
    for user in [&friend, &fan, &stranger] {
        within(|| user.run(&["playlist", "show", &list]).code, &1);
    }
    let again = friend.run(&["playlist", "join", token]);
    assert_eq!(again.code, 1, "an invitation that was used lets nobody in again: {again:?}");
}

#[test]
fn a_playlist_goes_out_as_a_file_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::stranger(&world);
    let songs = upload(&user, &tones(&folder, &["Alpha", "Beta", "Gamma"]));
    let list = create(&user, "Outgoing", &[]);
    let _ = user
        .run(&[&["playlist", "add", &list], &[songs[2].as_str(), &songs[0], &songs[1]][..]].concat())
        .good();
    for format in ["m3u8", "xspf"] {
        let file = folder.path().join(format!("out.{format}"));
        let path = file.to_str().unwrap();
        let _ = user.run(&["playlist", "export", "Outgoing", "--format", format, "--to", path]).good();
        let back = &said(&user, &["playlist", "import", path, "--title", &format!("Back {format}")])[0];
        assert_eq!((&back["matched"], &back["missing_count"]), (&json!(3), &json!(0)), "{back}");
        assert_eq!(titles(&user, back["playlist_id"].as_str().unwrap()), ["Gamma", "Alpha", "Beta"]);
    }
    // Another program's file: by title; a path outside is a name and no more; what is not found is listed.
    let foreign =
        "#EXTM3U\n#EXTINF:1,Beta\n/music/beta.mp3\n../../../etc/passwd\n#EXTINF:9,Nobody - Nothing\nx.mp3\n";
    let back = user.run_with(&["playlist", "import", "-", "--json"], foreign).good().json();
    assert_eq!((&back[0]["matched"], &back[0]["missing_count"]), (&json!(1), &json!(2)), "{back:?}");
    assert_eq!(back[0]["missing"][1], json!({"position": 6, "text": "Nobody - Nothing"}), "{back:?}");
}

#[test]
fn edits_and_deletions_of_songs_reach_playlists_and_those_who_watch() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (owner, friend) = (Cli::stranger(&world), Cli::stranger(&world));
    let songs = upload(&owner, &tones(&folder, &["First", "Second", "Third"]));
    let list = create(&owner, "Watched", &["--visibility", "public"]);
    let _ = owner
        .run(
            &[&["playlist", "add", &list], &songs.iter().map(String::as_str).collect::<Vec<_>>()[..]]
                .concat(),
        )
        .good();
    // Songs that the one who looks may not see keep their places.
    assert_eq!(titles(&friend, &list), ["-", "-", "-"]);

    let mut watching = friend.start(&["playlist", "watch", &list, "--json"]);
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["item_count"], 3);

    let _ = owner.run(&["edit", &songs[0], "--title", "Renamed", "--visibility", "public"]).good();
    within(|| titles(&friend, &list), &["Renamed".to_owned(), "-".into(), "-".into()].to_vec());
    let _ = owner.run(&["rm", &songs[1], "--yes"]).good();
    within(|| titles(&owner, &list), &["Renamed".to_owned(), "-".into(), "Third".into()].to_vec());

    let _ = owner.run(&["playlist", "rm", &list, "3"]).good();
    let begin = Instant::now();
    while next()["item_count"] != 2 {
        assert!(begin.elapsed() < BOUND);
    }
    let _ = owner.run(&["playlist", "delete", &list, "-y"]).good();
    assert!(watching.wait().unwrap().success(), "the end of a playlist ends the watching");
}

#[test]
fn names_that_mean_two_things_and_nothing_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::stranger(&world);
    let songs = upload(&user, &tones(&folder, &["Same", "Other"]));
    let _ = user.run(&["edit", &songs[1], "--title", "Same"]).good();
    let (a, b) = (create(&user, "Twins", &[]), create(&user, "Twins", &[]));
    within(|| said(&user, &["playlist", "ls"]).len(), &2);
    let ran = user.run(&["playlist", "show", "Twins"]);
    assert!(ran.code == 1 && ran.err.contains(&a) && ran.err.contains(&b), "{ran:?}");
    within(|| user.run(&["like", "Same"]).code, &1);
    let ran = user.run(&["like", "Same", "--json"]);
    let error: Value = serde_json::from_str(ran.err.trim()).unwrap();
    assert_eq!(error["error"]["reason"], "NAME_AMBIGUOUS", "{ran:?}");
    for args in [&["playlist", "show", "Nothing"][..], &["play", "Nothing"], &["albums", "Nothing"]] {
        let ran = user.run(args);
        assert!(ran.code == 1 && ran.err.contains("called \"Nothing\""), "{ran:?}");
    }
    for args in [&["playlist", "mv", "x", "1"][..], &["playlist", "add", "x"], &["playlist", "delete", "x"]] {
        assert_eq!(user.run(args).code, 2, "{args:?}");
    }
    for title in ["", &"x".repeat(201)] {
        let ran = user.run(&["playlist", "create", title]);
        assert!(ran.code == 1 && ran.err.contains("title"), "{ran:?}");
    }
    let right_to_left = create(&user, "قائمة التشغيل", &[]);
    within(|| user.run(&["playlist", "show", "قائمة التشغيل"]).code, &0);
    let _ = user.run(&["playlist", "delete", "-y", &right_to_left, &a, &b]).good();
}
