//! kill -9 in the middle of every kind of edit: once the server is back it has been done, and done once.
#![allow(clippy::disallowed_methods, reason = "the test waits for processes")]

use segue_client::{
    Client, CredentialStore, MemoryCredentials,
    proto::playlist::v1::{BatchGetSongStatsRequest, Play, SongStats},
};
use segue_domain::PlayId;
use segue_e2e::{
    cli::Cli,
    fault_list::{self, Round},
    finding::{BOUND, differences, tones, upload, within},
    up::Up,
    world::PASSWORD,
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// A server that dies on purpose, a user of it, and their songs.
struct Stage {
    up: Up,
    admin: Cli,
    user: Cli,
    client: Client,
    songs: Vec<String>,
}

impl Stage {
    async fn begin() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let up = Up::start();
        let (email, admin) = ("edits@example.org", Cli::signed_in(&up));
        let user = Cli::signed_up(&up, email);
        let store: Arc<dyn CredentialStore> = Arc::new(MemoryCredentials::default());
        let client = Client::new(up.url(), store).unwrap();
        client.sign_in(email, PASSWORD, "test").await.unwrap();
        let songs = upload(&user, &tones(&folder, &["One", "Two", "Three"]));
        Self { up, admin, user, client, songs }
    }

    fn said(&self, args: &[&str]) -> Vec<Value> {
        self.user.run(&[args, &["--json"]].concat()).good().json()
    }

    /// Runs a command during which the server dies at its next passing of `point`, after `before` passings of other
    /// commands, and is started again.
    fn killed(&mut self, point: &str, before: &[&[&str]], args: &[&str]) {
        let named = format!("{point}:{}", before.len() + 1);
        self.up.set_environment(&[("SEGUE_CRASH_POINT", &named)]);
        self.up.restart();
        for command in before {
            let _ = self.user.run(command).good();
        }
        let asked = self.user.start(args);
        assert!(self.up.died_within(Duration::from_secs(30)), "{args:?} never passed {named}");
        self.up.set_environment(&[]);
        self.up.restart();
        // It may have given up meanwhile; what it asked for was done before the server died.
        let _ = asked.wait_with_output().unwrap();
    }

    /// Titles of the playlists that the user owns.
    fn lists(&self) -> Vec<String> {
        let lists = self.said(&["playlist", "ls", "--only", "owned"]);
        let mut titles: Vec<_> =
            lists.iter().map(|list| list["title"].as_str().unwrap().to_owned()).collect();
        titles.sort_unstable();
        titles
    }

    fn titles(&self, list: &str) -> Vec<String> {
        let items = self.said(&["playlist", "show", list]);
        items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    }

    /// Every kind of change of a playlist.
    fn playlists(&mut self, seed: u64) {
        const POINT: &str = "playlist-written";
        let others: Vec<String> = (1..seed).map(|n| format!("Other {seed} {n}")).collect();
        let others: Vec<[&str; 3]> =
            others.iter().map(|title| ["playlist", "create", title.as_str()]).collect();
        let before: Vec<&[&str]> = others.iter().map(<[&str; 3]>::as_slice).collect();
        let list = &format!("List {seed}");
        self.killed(POINT, &before, &["playlist", "create", list]);
        let made = self.lists().into_iter().filter(|title| title == list).count();
        assert_eq!(made, 1, "it was made once");

        let again: [&[&str]; 0] = [];
        self.killed(POINT, &again, &["playlist", "add", list, "One", "Two", "Three"]);
        assert_eq!(self.titles(list), ["One", "Two", "Three"]);
        self.killed(POINT, &again, &["playlist", "mv", list, "3", "--before", "1"]);
        assert_eq!(self.titles(list), ["Three", "One", "Two"]);
        self.killed(POINT, &again, &["playlist", "rm", list, "2"]);
        assert_eq!(self.titles(list), ["Three", "Two"]);
        self.killed(POINT, &again, &["playlist", "edit", list, "--visibility", "public"]);
        let stranger = Cli::stranger(&self.up);
        let found = || stranger.run(&["search", "--json", list]).good().json().len();
        within(found, &1);
        let email = format!("{seed}@example.org");
        let friend = Cli::signed_up(&self.up, &email);
        self.killed(POINT, &again, &["playlist", "share", list, "--role", "editor", "--user", &email]);
        within(|| friend.run(&["playlist", "ls", "--json"]).good().json().len(), &1);
        self.killed(POINT, &again, &["playlist", "delete", "-y", list]);
        assert!(!self.lists().contains(list), "it is gone");
        within(|| friend.run(&["playlist", "ls", "--json"]).good().json().len(), &0);
        within(found, &0);
    }

    async fn stats(&self, song: &str) -> SongStats {
        let request = BatchGetSongStatsRequest { song_ids: vec![song.to_owned()] };
        let request = self.client.request(request).await.unwrap();
        let answer = self.client.library_service().batch_get_song_stats(request).await.unwrap();
        answer.into_inner().stats.remove(0)
    }

    async fn counted(&self, song: &str, expected: &SongStats) {
        let begin = Instant::now();
        loop {
            let now = self.stats(song).await;
            if now == *expected {
                return;
            }
            assert!(begin.elapsed() < BOUND, "{now:?} and not {expected:?} after {BOUND:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Likes and plays, which are counted once however often the counting is interrupted.
    async fn counts(&mut self, seed: u64) {
        const POINT: &str = "library-counted";
        let song = self.songs[seed as usize % self.songs.len()].clone();
        let before = self.stats(&song).await;
        self.killed(POINT, &[], &["like", &song]);
        let liked = SongStats { likes: before.likes + 1, ..before };
        self.counted(&song, &liked).await;
        let plays: Vec<Play> = (0..seed + 1)
            .map(|n| Play {
                event_id: PlayId::new().to_string(),
                song_id: song.clone(),
                start_time: Some((SystemTime::now() - Duration::from_secs(60 * n)).into()),
                played_ms: 400,
                ..Play::default()
            })
            .collect();
        self.up.set_environment(&[("SEGUE_CRASH_POINT", POINT)]);
        self.up.restart();
        self.client.record_plays(&plays).await.unwrap();
        assert!(self.up.died_within(Duration::from_secs(30)), "plays were never counted");
        self.up.set_environment(&[]);
        self.up.restart();
        self.client.record_plays(&plays).await.unwrap();
        self.counted(&song, &SongStats { plays: liked.plays + seed + 1, ..liked }).await;
        let likes = self.said(&["likes"]);
        assert_eq!(likes.iter().filter(|like| like["song_id"] == *song).count(), 1, "{likes:?}");
    }

    /// A song that moves between albums and artists.
    fn albums(&mut self, point: &str, seed: u64) {
        let song = self.songs[seed as usize % self.songs.len()].clone();
        let tag = |what: &str| format!("{what} {point} {seed}");
        for (album, artist) in [(tag("First"), tag("Some")), (tag("Second"), tag("Other"))] {
            self.killed(point, &[], &["edit", &song, "--album", &album, "--artist", &artist]);
            let of = |kind: &str| {
                let all = self.said(&[kind]);
                let named = |one: &&Value| one.to_string().contains(&format!("{point} {seed}"));
                all.iter().filter(named).map(|one| one["song_count"].as_u64()).collect::<Vec<_>>()
            };
            within(|| of("albums"), &vec![Some(1)]);
            within(|| of("artists"), &vec![Some(1)]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_any_edit_it_is_done_once() {
    let rounds = fault_list::rounds("edit", &fault_list::all("edit"));
    if rounds.is_empty() {
        return;
    }
    let mut stage = Stage::begin().await;
    for Round { target, seed } in rounds {
        match target {
            "playlist-written" => stage.playlists(seed),
            "library-counted" => stage.counts(seed).await,
            point => stage.albums(point, seed),
        }
        let begin = Instant::now();
        while begin.elapsed() < BOUND && !differences(&stage.admin).is_empty() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let left = differences(&stage.admin);
        assert!(left.is_empty(), "{target}, seed {seed}: {left:?}");
    }
}
