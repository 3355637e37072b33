//! What a user does, chosen at random; each deed on the server and on the model.

use crate::model::{List, Model, Song};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use segue_client::{
    Client, CredentialStore, MemoryCredentials, UploadOptions, identify,
    proto::{
        playlist::v1::{
            AddItemsRequest, CreatePlaylistRequest, DeletePlaylistRequest, Place, Play, Playlist,
            UpdatePlaylistRequest, place::At,
        },
        song::v1::{self as song, DeleteSongRequest, UpdateSongRequest, Visibility},
    },
};
use segue_domain::{PlayId, PlaylistId};
use segue_e2e::{
    cli::Cli,
    music,
    world::{PASSWORD, Server, World},
};
use std::{sync::Arc, time::SystemTime};

const SONGS: u64 = 10;

/// A user and what they did.
pub(crate) struct Deeds {
    pub(crate) client: Client,
    /// Somebody else, who sees what is public.
    pub(crate) other: Client,
    /// The user's id.
    pub(crate) owner: String,
    pub(crate) model: Model,
    random: StdRng,
    number: u32,
}

impl Deeds {
    /// A new user with songs.
    pub(crate) async fn begin(world: &World, seed: u64) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (client, other) = (account(world).await, account(world).await);
        let folder = tempfile::tempdir().unwrap();
        let (mut model, mut owner) = (Model::default(), String::new());
        for n in 0..SONGS {
            let title = format!("Song {seed:x} {n}");
            let path = folder.path().join(format!("{title}.wav"));
            music::sine(22_050 + 441 * n, 44_100, &path);
            let file = identify(&path, |_| ()).await.unwrap();
            let uploaded = client.upload(&file, &UploadOptions::default(), &()).await.unwrap();
            owner = uploaded.song.owner_id;
            let id = uploaded.song.song_id;
            model.songs.push(Song { id, title, album: None, public: false, gone: false });
        }
        Self { client, other, owner, model, random: StdRng::seed_from_u64(seed), number: 0 }
    }

    /// One deed, and what it was.
    pub(crate) async fn one(&mut self) -> String {
        self.number += 1;
        match self.random.random_range(0..100) {
            0..10 => self.create_list().await,
            10..35 => self.add().await,
            35..45 => self.remove().await,
            45..57 => self.relocate().await,
            57..62 => self.edit_list().await,
            62..65 => self.delete_list().await,
            65..77 => self.edit_song().await,
            77..79 => self.delete_song().await,
            79..90 => self.like().await,
            _ => self.play().await,
        }
    }

    fn list(&mut self) -> Option<usize> {
        let count = self.model.lists.len();
        (count > 0).then(|| self.random.random_range(0..count))
    }

    fn song(&mut self) -> Option<usize> {
        self.model.alive().choose(&mut self.random).copied()
    }

    /// Requests are sent again now and then, as after an answer that was lost.
    fn times(&mut self) -> usize {
        if self.random.random_bool(0.25) { 2 } else { 1 }
    }

    async fn create_list(&mut self) -> String {
        let public = self.random.random_bool(0.5);
        let visibility = if public { Visibility::Public } else { Visibility::Private };
        let wish = CreatePlaylistRequest {
            request_id: PlaylistId::new().to_string(),
            title: format!("List {}", self.number),
            visibility: visibility.into(),
            ..Default::default()
        };
        for _ in 0..self.times() {
            let made = self.client.create_playlist(wish.clone()).await.unwrap();
            assert_eq!(made.playlist_id, wish.request_id);
        }
        let list = List { id: wish.request_id, title: wish.title.clone(), public, items: Vec::new() };
        self.model.lists.push(list);
        wish.title
    }

    async fn add(&mut self) -> String {
        let (Some(at), many) = (self.list(), self.random.random_range(1..4)) else { return "nothing".into() };
        let songs: Vec<usize> = (0..many).filter_map(|_| self.song()).collect();
        if songs.is_empty() {
            return "nothing".into();
        }
        let items = &self.model.lists[at].items;
        let (index, place) = match self.random.random_range(0..=items.len()) {
            to if to == items.len() => (to, None),
            0 => (0, Some(At::First(true))),
            to if self.number.is_multiple_of(2) => (to, Some(At::BeforeItemId(items[to].0.clone()))),
            to => (to, Some(At::AfterItemId(items[to - 1].0.clone()))),
        };
        let wish = AddItemsRequest {
            playlist_id: self.model.lists[at].id.clone(),
            song_ids: songs.iter().map(|song| self.model.songs[*song].id.clone()).collect(),
            place: place.map(|at| Place { at: Some(at) }),
            request_id: PlayId::new().to_string(),
            etag: String::new(),
        };
        let mut added = Vec::new();
        for _ in 0..self.times() {
            let request = self.client.request(wish.clone()).await.unwrap();
            let answer = self.client.playlist_service().add_items(request).await.unwrap().into_inner();
            added = answer.items;
        }
        let added = added.into_iter().map(|item| item.item_id).zip(songs);
        self.model.lists[at].items.splice(index..index, added);
        format!("add {many} at {index}")
    }

    async fn remove(&mut self) -> String {
        let Some(at) = self.list().filter(|at| !self.model.lists[*at].items.is_empty()) else {
            return "nothing".into();
        };
        let index = self.random.random_range(0..self.model.lists[at].items.len());
        let (item, _) = self.model.lists[at].items.remove(index);
        let list = self.model.lists[at].id.clone();
        for time in 0..self.times() {
            let (removed, _) = self.client.remove_items(&list, std::slice::from_ref(&item)).await.unwrap();
            assert_eq!(removed.len(), usize::from(time == 0));
        }
        format!("remove {index}")
    }

    async fn relocate(&mut self) -> String {
        let Some(at) = self.list().filter(|at| !self.model.lists[*at].items.is_empty()) else {
            return "nothing".into();
        };
        let list = self.model.lists[at].clone();
        let (from, beside) =
            (self.random.random_range(0..list.items.len()), self.random.random_range(0..list.items.len()));
        let (moved, other) = (list.items[from].clone(), list.items[beside].0.clone());
        let (place, after) = match self.random.random_range(0..4) {
            0 => (None, None),
            1 => (Some(At::First(true)), None),
            2 => (Some(At::BeforeItemId(other.clone())), Some(false)),
            _ => (Some(At::AfterItemId(other.clone())), Some(true)),
        };
        let first = matches!(place, Some(At::First(_)));
        for _ in 0..self.times() {
            let place = place.clone().map(|at| Place { at: Some(at) });
            self.client.move_item(&list.id, &moved.0, place, "").await.unwrap();
        }
        let items = &mut self.model.lists[at].items;
        if after.is_none() || moved.0 != other {
            items.remove(from);
            let to = match after {
                None if first => 0,
                None => items.len(),
                Some(after) => {
                    items.iter().position(|(item, _)| *item == other).unwrap() + usize::from(after)
                }
            };
            items.insert(to, moved);
        }
        format!("move {from} beside {beside}")
    }

    async fn edit_list(&mut self) -> String {
        let Some(at) = self.list() else { return "nothing".into() };
        let public = self.random.random_bool(0.5);
        let title = format!("Edited {}", self.number);
        let visibility = if public { Visibility::Public } else { Visibility::Private };
        let list = &mut self.model.lists[at];
        (list.title, list.public) = (title.clone(), public);
        let playlist = Playlist {
            playlist_id: list.id.clone(),
            title: title.clone(),
            visibility: visibility.into(),
            ..Default::default()
        };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["title".into(), "visibility".into()] });
        for _ in 0..self.times() {
            let wish =
                UpdatePlaylistRequest { playlist: Some(playlist.clone()), update_mask: update_mask.clone() };
            let request = self.client.request(wish).await.unwrap();
            self.client.playlist_service().update_playlist(request).await.unwrap();
        }
        title
    }

    async fn delete_list(&mut self) -> String {
        let Some(at) = self.list() else { return "nothing".into() };
        let list = self.model.lists.remove(at);
        let wish = DeletePlaylistRequest { playlist_id: list.id.clone(), etag: String::new() };
        let request = self.client.request(wish).await.unwrap();
        self.client.playlist_service().delete_playlist(request).await.unwrap();
        let gone = match self.client.playlist(&list.id).await {
            Err(gone) => gone,
            Ok(there) => {
                let (seen, again) = (self.client.seen(), self.client.playlist(&list.id).await);
                panic!("it was deleted and is read as {there:?}; seen {seen}; read again: {again:?}");
            }
        };
        assert_eq!(gone.code(), Some(tonic::Code::NotFound));
        format!("delete {}", list.title)
    }

    async fn edit_song(&mut self) -> String {
        let Some(at) = self.song() else { return "nothing".into() };
        let public = self.random.random_bool(0.5);
        let title = format!("Renamed {}", self.number);
        let album = format!("Album {}", self.random.random_range(0..3));
        let artist = format!("Artist {}", self.random.random_range(0..2));
        let visibility = if public { Visibility::Public } else { Visibility::Private };
        let song = &mut self.model.songs[at];
        (song.title, song.public) = (title.clone(), public);
        song.album = Some((album.clone(), artist.clone()));
        let song = song::Song {
            song_id: song.id.clone(),
            title: title.clone(),
            album,
            artists: vec![artist],
            visibility: visibility.into(),
            ..Default::default()
        };
        let paths = ["title", "album", "artists", "visibility"].map(str::to_owned).to_vec();
        let update_mask = Some(prost_types::FieldMask { paths });
        for _ in 0..self.times() {
            let wish = UpdateSongRequest { song: Some(song.clone()), update_mask: update_mask.clone() };
            let request = self.client.request(wish).await.unwrap();
            self.client.songs().update_song(request).await.unwrap();
        }
        title
    }

    async fn delete_song(&mut self) -> String {
        let Some(at) = self.song().filter(|_| self.model.alive().len() > 3) else { return "nothing".into() };
        let song = &mut self.model.songs[at];
        song.gone = true;
        let wish = DeleteSongRequest { song_id: song.id.clone(), etag: String::new() };
        self.model.likes.retain(|liked| *liked != at);
        let request = self.client.request(wish).await.unwrap();
        self.client.songs().delete_song(request).await.unwrap();
        format!("delete song {at}")
    }

    async fn like(&mut self) -> String {
        let Some(at) = self.song() else { return "nothing".into() };
        let liked = self.random.random_bool(0.7);
        let id = self.model.songs[at].id.clone();
        for _ in 0..self.times() {
            match liked {
                true => self.client.like(&id).await.unwrap(),
                false => self.client.unlike(&id).await.unwrap(),
            }
        }
        match (liked, self.model.likes.contains(&at)) {
            (true, false) => self.model.likes.push(at),
            (false, _) => self.model.likes.retain(|song| *song != at),
            (true, true) => {}
        }
        format!("like {at}: {liked}")
    }

    /// A log of some plays, of which some were sent before.
    async fn play(&mut self) -> String {
        let now = SystemTime::now();
        let mut log: Vec<Play> =
            self.model.plays.values().take(self.random.random_range(0..3)).cloned().collect();
        let repeated = log.len();
        for _ in 0..self.random.random_range(1..4) {
            let Some(at) = self.song() else { continue };
            let ago = std::time::Duration::from_millis(self.random.random_range(1_000..100_000_000));
            let start = now - ago;
            // The service keeps milliseconds.
            let millis = start.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
            let time =
                prost_types::Timestamp { seconds: millis / 1000, nanos: (millis % 1000) as i32 * 1_000_000 };
            log.push(Play {
                event_id: PlayId::new().to_string(),
                song_id: self.model.songs[at].id.clone(),
                start_time: Some(time),
                played_ms: self.random.random_range(0..500),
                skipped: self.random.random_bool(0.3),
                context_id: String::new(),
            });
        }
        let new = log.len() - repeated;
        for time in 0..self.times() {
            let recorded = self.client.record_plays(&log).await.unwrap();
            assert_eq!(recorded, if time == 0 { new as u64 } else { 0 });
        }
        self.model.plays.extend(log.into_iter().map(|play| (play.event_id.clone(), play)));
        format!("{new} plays")
    }
}

async fn account(world: &World) -> Client {
    let email = format!("{:016x}@example.org", rand::random::<u64>());
    let _ = Cli::signed_up(world, &email);
    let store: Arc<dyn CredentialStore> = Arc::new(MemoryCredentials::default());
    let client = Client::new(world.url(), store).unwrap();
    client.sign_in(&email, PASSWORD, "agreement").await.unwrap();
    client
}
