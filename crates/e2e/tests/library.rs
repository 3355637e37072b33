//! The listener's library: likes, history, albums, artists, lyrics, and taking all of it along.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_client::{
    Client, CredentialStore, MemoryCredentials,
    proto::playlist::v1::{Play, PlayedOrder},
};
use segue_domain::PlayId;
use segue_e2e::{
    cli::Cli,
    finding::{becomes, tones, upload, within},
    music,
    world::{PASSWORD, Server, World},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

fn said(user: &Cli, args: &[&str]) -> Vec<Value> {
    user.run(&[args, &["--json"]].concat()).good().json()
}

/// A FLAC of a second with these tags.
fn tagged(folder: &Path, name: &str, tags: &[&str]) -> PathBuf {
    let (wav, flac) = (folder.join("tone.wav"), folder.join(format!("{name}.flac")));
    music::sine(44_100 + 100 * name.len() as u64, 44_100, &wav);
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["-metadata", tag]).collect();
    music::cut(&wav, 0.0, 2.0, &flac, &tags);
    flac
}

/// An account by command line and by SDK.
async fn both(world: &World) -> (Cli, Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let email = format!("{:016x}@example.org", rand::random::<u64>());
    let cli = Cli::signed_up(world, &email);
    let store: Arc<dyn CredentialStore> = Arc::new(MemoryCredentials::default());
    let client = Client::new(world.url(), store).unwrap();
    client.sign_in(&email, PASSWORD, "test").await.unwrap();
    (cli, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn songs_are_liked_and_heard_and_both_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (user, client) = both(&world).await;
    let songs = upload(&user, &tones(&folder, &["Liked", "Loved", "Skipped"]));
    let _ = user.run(&["like", "Liked", "Loved"]).good();
    let _ = user.run(&["like", &songs[0]]).good();
    let likes = || said(&user, &["likes"]).iter().map(|l| l["title"].clone()).collect::<Vec<_>>();
    assert_eq!(likes(), [json!("Loved"), json!("Liked")]);
    let _ = user.run(&["unlike", "Loved"]).good();
    let _ = user.run(&["unlike", "Loved"]).good();
    assert_eq!(likes(), [json!("Liked")]);

    let now = SystemTime::now();
    let play = |song: usize, minutes_ago: u64, skipped| Play {
        event_id: PlayId::new().to_string(),
        song_id: songs[song].clone(),
        start_time: Some((now - Duration::from_secs(60 * minutes_ago)).into()),
        played_ms: 400,
        skipped,
        context_id: String::new(),
    };
    // Late, in any order, and one that has not happened yet.
    let mut log = vec![play(1, 5, false), play(0, 90, false), play(0, 3, false), play(2, 1, true)];
    log.push(Play { start_time: Some((now + Duration::from_secs(86_400)).into()), ..play(1, 0, false) });
    assert_eq!(client.record_plays(&log).await.unwrap(), 5);
    for _ in 0..3 {
        assert_eq!(client.record_plays(&log).await.unwrap(), 0, "a log that is sent again changes nothing");
    }
    let history = said(&user, &["history"]);
    let heard: Vec<&str> = history.iter().map(|h| h["title"].as_str().unwrap()).collect();
    assert_eq!(heard, ["Loved", "Skipped", "Liked", "Loved", "Liked"]);
    assert_eq!(said(&user, &["history", "--limit", "2"]).len(), 2);
    let counts = |played: &[Value]| {
        let one =
            |p: &Value| (p["title"].as_str().unwrap().to_owned(), p["plays"].as_u64(), p["skips"].as_u64());
        played.iter().map(one).collect::<Vec<_>>()
    };
    let most = counts(&said(&user, &["played"]));
    assert_eq!(most.last(), Some(&("Skipped".into(), Some(0), Some(1))), "{most:?}");
    assert!(most[..2].iter().all(|(_, plays, skips)| (*plays, *skips) == (Some(2), Some(0))), "{most:?}");
    assert_eq!(counts(&said(&user, &["played", "--recent", "--limit", "1"]))[0].0, "Loved");
    assert_eq!(client.played(PlayedOrder::Recent, 10).await.unwrap().len(), 3);

    // What is gone is still known to have been heard; likes of it are gone with it.
    let _ = user.run(&["rm", "-y", &songs[0]]).good();
    within(|| likes().len(), &0);
    within(|| said(&user, &["history"]).iter().filter(|h| h["available"] == false).count(), &2);

    let file = folder.path().join("me.json");
    let _ = user.run(&["account", "export", "--to", file.to_str().unwrap()]).good();
    let me: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let text = me.to_string();
    assert!(songs.iter().skip(1).all(|song| text.contains(song.as_str())), "{text}");

    assert_eq!(user.run(&["history", "--clear"]).code, 2, "there is no terminal to ask on");
    let _ = user.run(&["history", "--clear", "--yes"]).good();
    assert_eq!((said(&user, &["history"]).len(), said(&user, &["played"]).len()), (0, 0));
}

#[test]
fn albums_artists_and_lyrics_come_from_tags_and_follow_edits() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let user = Cli::stranger(&world);
    let album = ["album=Debut", "album_artist=Björk", "artist=Björk", "date=1993"];
    let files = [
        tagged(folder.path(), "b", &[&album[..], &["title=Human Behaviour", "track=1"]].concat()),
        tagged(
            folder.path(),
            "ab",
            &[&album[..], &["title=Crying", "track=2", "LYRICS=I travel all around the city"]].concat(),
        ),
        tagged(
            folder.path(),
            "abc",
            &[
                &album[..],
                &[
                    "title=Venus as a Boy",
                    "track=3",
                    "LYRICS=[00:01.50]His wicked\n[00:02.00]sense of humour",
                ],
            ]
            .concat(),
        ),
    ];
    let songs = upload(&user, &files);
    within(|| said(&user, &["albums"]).first().map(|a| a["song_count"].clone()), &Some(json!(3)));
    let listed = said(&user, &["albums"]);
    assert_eq!(
        (listed.len(), &listed[0]["title"], &listed[0]["album_artist"], &listed[0]["year"]),
        (1, &json!("Debut"), &json!("Björk"), &json!(1993)),
        "{listed:?}"
    );
    let order = || said(&user, &["albums", "debut"]).iter().map(|s| s["title"].clone()).collect::<Vec<_>>();
    assert_eq!(order(), ["Human Behaviour", "Crying", "Venus as a Boy"].map(Value::from));
    let shown = user.run(&["albums", "Björk - Debut"]).good().out;
    assert!(shown.contains("3 songs") && shown.contains("LUFS") && shown.contains("Crying"), "{shown}");
    let artists = said(&user, &["artists"]);
    assert_eq!(
        (artists.len(), &artists[0]["name"], &artists[0]["album_count"]),
        (1, &json!("Björk"), &json!(1)),
        "{artists:?}"
    );
    assert_eq!(said(&user, &["artists", "björk"]).len(), 3);
    assert_eq!(said(&user, &["albums", "--artist", "Björk"]).len(), 1);
    let queue = said(&user, &["play", "Debut", "--as", "album"]);
    assert!(queue.len() == 3 && queue.iter().all(|q| q["playback_url"].is_string()), "{queue:?}");

    assert_eq!(user.run(&["lyrics", &songs[1]]).good().out, "I travel all around the city\n");
    assert_eq!(
        user.run(&["lyrics", "Venus as a Boy"]).good().out,
        "[00:01.50]His wicked\n[00:02.00]sense of humour\n"
    );
    let none = user.run(&["lyrics", &songs[0]]);
    assert!(none.code == 1 && none.err.contains("lyrics"), "{none:?}");

    // One song moves to an album of its own; the other album is renamed song by song.
    let _ = user.run(&["edit", &songs[2], "--album", "Singles"]).good();
    within(|| said(&user, &["albums"]).len(), &2);
    within(|| order().len(), &2);
    becomes(&user, "singles venus", &[&songs[2]]);
    let _ = user.run(&["rm", "-y", &songs[2]]).good();
    within(|| said(&user, &["albums"]).len(), &1);
    for song in &songs[..2] {
        let _ = user
            .run(&["edit", song, "--artist", "Guðmundsdóttir", "--album-artist", "Guðmundsdóttir"])
            .good();
    }
    within(
        || said(&user, &["artists"]).iter().map(|a| a["name"].clone()).collect::<Vec<_>>(),
        &vec![json!("Guðmundsdóttir")],
    );
    within(
        || said(&user, &["albums"]).iter().map(|a| a["album_artist"].clone()).collect::<Vec<_>>(),
        &vec![json!("Guðmundsdóttir")],
    );
}

#[test]
fn an_account_goes_and_what_it_owned_goes_too_or_to_its_heir() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let heir_email = format!("{:016x}@example.org", rand::random::<u64>());
    let heir = Cli::signed_up(&world, &heir_email);
    let (leaving, gone) = (Cli::stranger(&world), Cli::stranger(&world));
    let mut kept = Vec::new();
    for (user, title) in [(&leaving, "Inherited"), (&gone, "Lost")] {
        let songs = upload(user, &tones(&folder, &[title]));
        let _ = user.run(&["edit", &songs[0], "--visibility", "public"]).good();
        let list = said(user, &["playlist", "create", title, "--visibility", "public"]);
        let list = list[0]["playlist_id"].as_str().unwrap().to_owned();
        let _ = user.run(&["playlist", "add", &list, &songs[0]]).good();
        kept.push((songs[0].clone(), list));
    }
    let wrong = leaving.run_with(&["account", "delete", "--yes", "--password-stdin"], "not the password");
    assert!(wrong.code == 1 && wrong.err.contains("password"), "{wrong:?}");
    let _ = leaving
        .run_with(&["account", "delete", "--yes", "--password-stdin", "--heir", &heir_email], PASSWORD)
        .good();
    assert_eq!(leaving.run(&["whoami"]).code, 3);
    let _ = gone.run_with(&["account", "delete", "--yes", "--password-stdin"], PASSWORD).good();

    let (song, list) = &kept[0];
    within(
        || said(&heir, &["songs"]).iter().map(|s| s["song_id"].clone()).collect::<Vec<_>>(),
        &vec![json!(song)],
    );
    within(
        || said(&heir, &["playlist", "ls"]).iter().map(|p| p["playlist_id"].clone()).collect::<Vec<_>>(),
        &vec![json!(list)],
    );
    let _ = heir.run(&["edit", song, "--title", "Mine now"]).good();
    let _ = heir.run(&["playlist", "edit", list, "--title", "Mine now"]).good();
    let (song, list) = &kept[1];
    within(|| (heir.run(&["show", song]).code, heir.run(&["playlist", "show", list]).code), &(1, 1));
}
