//! One playlist role per store engine, and short words for what tests do with it.

use crate::{
    Deps, PlaylistConfig, Playlists,
    library::{LibraryApi, consume::Inbox},
    role::Role,
    tests::peers::{People, SongRows},
};
use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use segue_bus::Embedded;
use segue_cache::{CacheConfig, Tiered};
use segue_domain::{EventId, ManualClock, PlayId, SessionId, SongId, Timestamp, UserId};
use segue_mesh::{Caller, RoleSigner, User, to_proto};
use segue_proto::{
    event::v1::{Event, SongChanged, UserChanged, event::Data},
    playlist::v1::{library_service_server::LibraryService, *},
    song::v1::{Song, SongState, Visibility},
};
use segue_store::testing::{TestStore, stores};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

pub(super) const NOW: Timestamp = Timestamp(1_800_000_000_000);

pub(super) struct World {
    pub(super) test: TestStore,
    pub(super) playlists: Playlists,
    pub(super) role: Arc<Role>,
    pub(super) api: LibraryApi,
    pub(super) songs: SongRows,
    pub(super) people: People,
    pub(super) bus: Embedded,
    pub(super) clock: ManualClock,
    taken: Mutex<HashSet<String>>,
    _folder: tempfile::TempDir,
}

tokio::task_local! {
    /// Whether the process ends at the points where it may be killed.
    pub(super) static KILLED: bool;
}

fn crash(name: &'static str) {
    if KILLED.try_with(|killed| *killed).unwrap_or(false) {
        panic!("killed at {name}");
    }
}

/// A fresh world per store engine.
pub(super) async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for test in stores().await {
        Playlists::migrate(&test.store).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(NOW);
        let bus = Embedded::open(&folder.path().join("bus.db"), Arc::new(segue_domain::SystemClock)).await;
        let (bus, songs, people) = (bus.unwrap(), SongRows::default(), People::default());
        let deps = Deps {
            store: test.store.clone(),
            bus: Arc::new(bus.clone()),
            cache: Arc::new(Tiered::new(&CacheConfig::default(), None, Arc::new(clock.clone())).unwrap()),
            songs: songs.channel(),
            identity: people.channel(),
            role: RoleSigner::new("playlist", [3; 32], "segue", Arc::new(clock.clone())),
            clock: Arc::new(clock.clone()),
            crash,
        };
        let playlists = Playlists::new(PlaylistConfig::default(), deps).unwrap();
        let role = playlists.role().clone();
        let api = LibraryApi::new(role.clone());
        let taken = Mutex::default();
        worlds.push(World { test, playlists, role, api, songs, people, bus, clock, taken, _folder: folder });
    }
    worlds
}

/// A call of an account.
pub(super) fn by<T>(user: UserId, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {user}").parse().unwrap());
    let caller = User { id: user, session: SessionId::new(), admin: false, expires: Timestamp(i64::MAX) };
    request.extensions_mut().insert(Caller::User(caller));
    request
}

pub(super) fn fails<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = result.expect_err(why);
    let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!((status.code(), reason.unwrap_or_default().as_str()), (code, why), "{status:?}");
    status
}

pub(super) fn play(song: SongId, started: Timestamp) -> Play {
    Play {
        event_id: PlayId::new().to_string(),
        song_id: song.to_string(),
        start_time: Some(to_proto(started)),
        played_ms: 180_000,
        ..Default::default()
    }
}

pub(super) fn skip(song: SongId, started: Timestamp) -> Play {
    Play { skipped: true, played_ms: 900, ..play(song, started) }
}

pub(super) fn fact(data: Data) -> Event {
    let r#type = match &data {
        Data::SongDeleted(_) => "song.deleted.v1",
        Data::UserDeleted(_) => "user.deleted.v1",
        _ => "other.v1",
    };
    let id = EventId::new().to_string();
    Event { id, r#type: r#type.into(), sequence: 1, data: Some(data), ..Default::default() }
}

impl World {
    /// A song that plays.
    pub(super) fn song(&self, owner: UserId, visibility: Visibility) -> SongId {
        let id = SongId::new();
        let song = Song {
            song_id: id.to_string(),
            owner_id: owner.to_string(),
            state: SongState::Ready.into(),
            visibility: visibility.into(),
            title: format!("song \"{id}\""),
            ..Default::default()
        };
        self.songs.rows.lock().unwrap().insert(id, song);
        id
    }

    pub(super) fn public(&self) -> SongId {
        self.song(UserId::new(), Visibility::Public)
    }

    pub(super) async fn like(&self, user: UserId, song: SongId) -> Result<Timestamp, Status> {
        let answer = self.api.like_song(by(user, LikeSongRequest { song_id: song.to_string() })).await?;
        Ok(segue_mesh::from_proto(&answer.into_inner().like_time.unwrap()))
    }

    pub(super) async fn unlike(&self, user: UserId, song: SongId) {
        self.api.unlike_song(by(user, UnlikeSongRequest { song_id: song.to_string() })).await.unwrap();
    }

    /// What is liked, page by page.
    pub(super) async fn likes(&self, user: UserId, page_size: i32) -> Vec<Like> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = by(user, ListLikesRequest { page_size, page_token });
            let answer = self.api.list_likes(request).await.unwrap().into_inner();
            assert!(answer.likes.len() <= page_size as usize);
            all.extend(answer.likes);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// How many were new, and how many were not.
    pub(super) async fn record(&self, user: UserId, plays: &[Play]) -> (u32, u32) {
        let answer = self.api.record_plays(by(user, RecordPlaysRequest { plays: plays.to_vec() })).await;
        let answer = answer.unwrap().into_inner();
        (answer.recorded, answer.repeated_events)
    }

    pub(super) async fn history(&self, user: UserId, page_size: i32) -> Vec<HistoryEntry> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = by(user, ListHistoryRequest { page_size, page_token });
            let answer = self.api.list_history(request).await.unwrap().into_inner();
            all.extend(answer.entries);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// Song, plays, skips and last time.
    pub(super) async fn played(
        &self,
        user: UserId,
        order: PlayedOrder,
        page_size: i32,
    ) -> Vec<(String, u64, u64, Timestamp)> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = by(user, ListPlayedRequest { page_size, page_token, order: order.into() });
            let answer = self.api.list_played(request).await.unwrap().into_inner();
            all.extend(
                answer
                    .songs
                    .into_iter()
                    .map(|p| (p.song_id, p.plays, p.skips, segue_mesh::from_proto(&p.last_time.unwrap()))),
            );
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    pub(super) async fn delete_history(&self, user: UserId, before: Option<Timestamp>) -> u64 {
        let request = by(user, DeleteHistoryRequest { before: before.map(to_proto) });
        self.api.delete_history(request).await.unwrap().into_inner().deleted
    }

    /// Plays, skips and likes of songs that `user` sees.
    pub(super) async fn stats(&self, user: UserId, songs: &[SongId]) -> Vec<(u64, u64, u64)> {
        let song_ids = songs.iter().map(SongId::to_string).collect();
        let answer = self.api.batch_get_song_stats(by(user, BatchGetSongStatsRequest { song_ids })).await;
        let stats = answer.unwrap().into_inner().stats;
        stats.iter().map(|s| (s.plays, s.skips, s.likes)).collect()
    }

    /// Facts that were written and not yet taken from here, oldest first per subject.
    pub(super) async fn facts(&self) -> Vec<Event> {
        let sql = "SELECT payload FROM outbox ORDER BY subject, sequence";
        let statement = Statement::from_string(self.test.store.backend(), sql);
        let rows = self.test.store.primaries()[0].query_all_raw(statement).await.unwrap();
        let events = rows.iter().map(|row| {
            let bytes: Vec<u8> = row.try_get("", "payload").unwrap();
            Event::decode(bytes.as_slice()).unwrap()
        });
        let mut taken = self.taken.lock().unwrap();
        events.filter(|event| taken.insert(event.id.clone())).collect()
    }

    /// Counts what new facts say.
    pub(super) async fn relay(&self) {
        for event in self.facts().await {
            self.count(&event).await;
        }
    }

    pub(super) async fn count(&self, event: &Event) {
        if matches!(event.data, Some(Data::LibraryChanged(_))) {
            self.role.handle_library(Inbox::Counts, event).await.unwrap();
        }
    }

    pub(super) async fn song_deleted(&self, song: SongId) {
        self.songs.rows.lock().unwrap().remove(&song);
        let gone = SongChanged { song_id: song.to_string(), ..Default::default() };
        self.role.handle_library(Inbox::Songs, &fact(Data::SongDeleted(gone))).await.unwrap();
    }

    pub(super) async fn user_deleted(&self, user: UserId) {
        let gone = UserChanged { user_id: user.to_string(), ..Default::default() };
        self.role.handle_library(Inbox::Users, &fact(Data::UserDeleted(gone))).await.unwrap();
    }

    /// Rows of a table.
    pub(super) async fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(self.test.store.backend(), sql);
        let row = self.test.store.primaries()[0].query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }

    pub(super) fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }
}
