//! Finding songs from upload to deletion.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_e2e::{
    cli::Cli,
    finding::{BOUND, becomes, differences, find, tones, upload},
    world::{Server, World},
};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn a_song_is_found_by_who_may_see_it_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (ada, bob) = (Cli::stranger(&world), Cli::stranger(&world));
    let (admin, nobody) = (world.admin(), Cli::new(world.url()));
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

/// What a user finds, as kinds and titles.
fn found(user: &Cli, arguments: &[&str]) -> Vec<(String, String)> {
    let hits = user.run(&[&["search", "--json"], arguments].concat()).good().json();
    let text = |hit: &Value, name: &str| hit[name].as_str().unwrap_or_default().to_owned();
    hits.iter().map(|hit| (text(hit, "kind"), text(hit, "title"))).collect()
}

/// Waits until a user finds exactly these.
fn comes_to(user: &Cli, arguments: &[&str], expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(kind, title)| ((*kind).to_owned(), (*title).to_owned())).collect();
    let begin = Instant::now();
    while found(user, arguments) != expected {
        let found = found(user, arguments);
        assert!(begin.elapsed() < BOUND, "{arguments:?} finds {found:?} and not {expected:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn albums_artists_and_playlists_are_found_beside_songs() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (ada, bob, admin) = (Cli::stranger(&world), Cli::stranger(&world), world.admin());
    let ids = upload(&ada, &tones(&folder, &["Qsunrise", "Qsunset"]));
    for (id, year) in ids.iter().zip(["1994", "2004"]) {
        let tags = ["--artist", "Qmara", "--album", "Qblue Sea", "--year", year, "--visibility", "public"];
        let _ = ada.run(&[&["edit", id], &tags[..]].concat()).good();
    }
    let made = ada.run(&["playlist", "create", "--json", "Qmara for the Road"]).good().json();
    let playlist = made[0]["playlist_id"].as_str().unwrap().to_owned();

    comes_to(&bob, &["--kind", "artist", "qmara"], &[("artist", "Qmara")]);
    comes_to(&bob, &["--kind", "album", "qbleu sea"], &[("album", "Qblue Sea")]);
    comes_to(&ada, &["--kind", "playlist", "qmara"], &[("playlist", "Qmara for the Road")]);
    assert_eq!(found(&bob, &["--kind", "playlist", "qmara"]), [], "it is private");
    let all = found(&ada, &["qmara"]);
    assert_eq!(all[0], ("artist".to_owned(), "Qmara".to_owned()), "who is called so comes first: {all:?}");
    assert_eq!(all.len(), 5, "the album, two songs and the playlist too: {all:?}");

    let songs = |words: &str| -> Vec<String> {
        found(&bob, &["--kind", "song", words]).into_iter().map(|(_, title)| title).collect()
    };
    assert_eq!(songs("artist:qmara year:1990..1999"), ["Qsunrise"]);
    assert_eq!(songs("qmara -qsunrise"), ["Qsunset"]);
    assert_eq!(songs("album:\"qblue sea\" title:qsunst"), ["Qsunset"]);
    assert_eq!(songs("\"sea qblue\""), Vec::<String>::new());
    let names = bob.run(&["search", "--suggest", "qsun"]).good().out;
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["Qsunrise", "Qsunset"]);

    let _ = ada.run(&["playlist", "edit", &playlist, "--visibility", "public"]).good();
    comes_to(&bob, &["--kind", "playlist", "qmara"], &[("playlist", "Qmara for the Road")]);
    assert_eq!(differences(&admin), Vec::<Value>::new(), "of no kind");
}
