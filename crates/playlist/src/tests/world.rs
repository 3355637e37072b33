//! One playlist role per store engine, and short words for what tests do with it.

use super::peers::{People, SongRows};
use crate::{Deps, PlaylistApi, PlaylistConfig, Playlists, consume::Inbox, role::Role};
use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use segue_bus::Embedded;
use segue_cache::{CacheConfig, Tiered};
use segue_domain::{EventId, ManualClock, SessionId, SongId, Timestamp, UserId};
use segue_mesh::{Caller, RoleSigner, User};
use segue_proto::{
    event::v1::{Event, UserChanged, event::Data},
    playlist::v1::{place::At, playlist_service_server::PlaylistService, *},
    song::v1::{Cover, Song, SongState, Visibility},
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
    deps: Deps,
    pub(super) role: Arc<Role>,
    pub(super) api: PlaylistApi,
    pub(super) songs: SongRows,
    pub(super) people: People,
    pub(super) bus: Embedded,
    pub(super) clock: ManualClock,
    taken: Mutex<HashSet<String>>,
    _folder: tempfile::TempDir,
}

/// A fresh world per store engine.
pub(super) async fn worlds() -> Vec<World> {
    worlds_with(PlaylistConfig::default()).await
}

pub(super) async fn worlds_with(config: PlaylistConfig) -> Vec<World> {
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
            crash: |_| (),
        };
        let playlists = Playlists::new(config.clone(), deps.clone()).unwrap();
        let role = playlists.role().clone();
        let (api, taken) = (PlaylistApi::new(role.clone()), Mutex::default());
        worlds.push(World {
            test,
            playlists,
            deps,
            role,
            api,
            songs,
            people,
            bus,
            clock,
            taken,
            _folder: folder,
        });
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

pub(super) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

pub(super) fn fails<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = result.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// Right behind an item.
pub(super) fn after(item: &str) -> Option<Place> {
    Some(Place { at: Some(At::AfterItemId(item.into())) })
}

pub(super) fn before(item: &str) -> Option<Place> {
    Some(Place { at: Some(At::BeforeItemId(item.into())) })
}

pub(super) fn first() -> Option<Place> {
    Some(Place { at: Some(At::First(true)) })
}

impl World {
    /// Another process on the same database, with a cache of its own.
    pub(super) fn neighbour(&self) -> Playlists {
        let cache = Tiered::new(&CacheConfig::default(), None, Arc::new(self.clock.clone())).unwrap();
        let deps = Deps { cache: Arc::new(cache), ..self.deps.clone() };
        Playlists::new(PlaylistConfig::default(), deps).unwrap()
    }

    /// A song of an account that plays, three minutes long.
    pub(super) fn song(&self, owner: UserId, visibility: Visibility) -> SongId {
        self.song_with(owner, visibility, |_| ())
    }

    pub(super) fn song_with(
        &self,
        owner: UserId,
        visibility: Visibility,
        change: impl FnOnce(&mut Song),
    ) -> SongId {
        let id = SongId::new();
        let mut song = Song {
            song_id: id.to_string(),
            owner_id: owner.to_string(),
            state: SongState::Ready.into(),
            visibility: visibility.into(),
            title: format!("title {id}"),
            artists: vec!["artist".into()],
            duration_ms: 180_000,
            covers: vec![Cover { px: 96, url: format!("http://edge/{id}") }],
            ..Default::default()
        };
        change(&mut song);
        self.songs.rows.lock().unwrap().insert(id, song);
        id
    }

    pub(super) fn public(&self) -> SongId {
        self.song(UserId::new(), Visibility::Public)
    }

    /// An account with an address.
    pub(super) fn account(&self, email: &str) -> UserId {
        let id = UserId::new();
        self.people.0.lock().unwrap().insert(email.into(), id);
        id
    }

    pub(super) async fn create(&self, owner: UserId, visibility: Visibility) -> String {
        let request = CreatePlaylistRequest {
            title: "mix".into(),
            visibility: visibility.into(),
            ..Default::default()
        };
        let made = self.api.create_playlist(by(owner, request)).await.unwrap().into_inner();
        made.playlist.unwrap().playlist_id
    }

    pub(super) async fn get(&self, user: UserId, playlist: &str) -> Result<Playlist, Status> {
        let request = by(user, GetPlaylistRequest { playlist_id: playlist.into() });
        Ok(self.api.get_playlist(request).await?.into_inner().playlist.unwrap())
    }

    pub(super) async fn add(
        &self,
        user: UserId,
        playlist: &str,
        songs: &[SongId],
        place: Option<Place>,
    ) -> Result<AddItemsResponse, Status> {
        let request = AddItemsRequest {
            playlist_id: playlist.into(),
            song_ids: songs.iter().map(SongId::to_string).collect(),
            place,
            ..Default::default()
        };
        Ok(self.api.add_items(by(user, request)).await?.into_inner())
    }

    /// A playlist with this many items of one song, and the ids of its items.
    pub(super) async fn filled(&self, owner: UserId, items: usize) -> (String, Vec<String>) {
        let playlist = self.create(owner, Visibility::Private).await;
        let song = self.public();
        let mut ids = Vec::new();
        while ids.len() < items {
            let some = vec![song; (items - ids.len()).min(200)];
            let added = self.add(owner, &playlist, &some, None).await.unwrap();
            ids.extend(added.items.into_iter().map(|item| item.item_id));
        }
        (playlist, ids)
    }

    pub(super) async fn move_item(
        &self,
        user: UserId,
        playlist: &str,
        item: &str,
        place: Option<Place>,
    ) -> Result<Playlist, Status> {
        let request = MoveItemRequest {
            playlist_id: playlist.into(),
            item_id: item.into(),
            place,
            etag: String::new(),
        };
        Ok(self.api.move_item(by(user, request)).await?.into_inner().playlist.unwrap())
    }

    pub(super) async fn remove(
        &self,
        user: UserId,
        playlist: &str,
        items: &[&str],
    ) -> Result<RemoveItemsResponse, Status> {
        let request = RemoveItemsRequest {
            playlist_id: playlist.into(),
            item_ids: items.iter().map(|id| (*id).to_owned()).collect(),
            etag: String::new(),
        };
        Ok(self.api.remove_items(by(user, request)).await?.into_inner())
    }

    pub(super) async fn page(
        &self,
        user: UserId,
        playlist: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListItemsResponse, Status> {
        let request =
            ListItemsRequest { playlist_id: playlist.into(), page_size, page_token: page_token.into() };
        Ok(self.api.list_items(by(user, request)).await?.into_inner())
    }

    /// Every item, page by page.
    pub(super) async fn items(&self, user: UserId, playlist: &str) -> Vec<Item> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.page(user, playlist, 200, &token).await.unwrap();
            all.extend(page.items);
            token = page.next_page_token;
            if token.is_empty() {
                return all;
            }
        }
    }

    pub(super) async fn item_ids(&self, user: UserId, playlist: &str) -> Vec<String> {
        self.items(user, playlist).await.into_iter().map(|item| item.item_id).collect()
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

    /// Brings new facts to the lists of accounts.
    pub(super) async fn relay(&self) {
        for event in self.facts().await {
            self.role.handle(Inbox::Lists, vec![event]).await.unwrap();
        }
    }

    pub(super) async fn user_deleted(&self, user: UserId, heir: Option<UserId>) {
        let heir_id = heir.map(String::from).unwrap_or_default();
        let gone = UserChanged { user_id: user.to_string(), heir_id, ..Default::default() };
        let event = Event {
            id: EventId::new().to_string(),
            r#type: "user.deleted.v1".into(),
            sequence: 2,
            data: Some(Data::UserDeleted(gone)),
            ..Default::default()
        };
        self.role.handle(Inbox::Users, vec![event]).await.unwrap();
    }

    /// Ids of a user's list.
    pub(super) async fn list(&self, user: UserId, relation: Relation) -> Vec<String> {
        let request =
            ListPlaylistsRequest { relation: relation.into(), page_size: 200, ..Default::default() };
        let answer = self.api.list_playlists(by(user, request)).await.unwrap().into_inner();
        answer.playlists.into_iter().map(|playlist| playlist.playlist_id).collect()
    }

    /// Rows of a table.
    pub(super) async fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(self.test.store.backend(), sql);
        let row = self.test.store.primaries()[0].query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}
