//! One search role behind its server, and short words for what tests do with it.

use crate::{memory_index::MemoryIndex, playlist_service::PlaylistRows, song_service::SongRows};
use futures::TryStreamExt;
use segue_bus::Embedded;
use segue_domain::{Clock, EventId, SessionId, SongId, SystemClock, Timestamp, UserId};
use segue_mesh::{
    Auth, Channel, Claims, Door, Policies, RoleSigner, Server, ServerConfig, Verifier, VerifierConfig,
    VerifyingKey, sign_token, to_proto,
};
use segue_ports::{
    bus::{Bus, Message},
    index::Index,
};
use segue_proto::{
    event::v1::{Event, SongChanged, event::Data},
    search::v1::{search_service_client::SearchServiceClient, *},
    song::v1::{ScannedSong, SongState, Visibility},
};
use segue_search::{Deps, Search, SearchConfig};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

const USER_SEED: [u8; 32] = [1; 32];
const ROLE_SEED: [u8; 32] = [2; 32];
pub(crate) const CREATED: Timestamp = Timestamp(1_800_000_000_123);

pub(crate) struct Rig {
    pub(crate) index: MemoryIndex,
    pub(crate) bus: Embedded,
    pub(crate) songs: SongRows,
    pub(crate) playlists: PlaylistRows,
    pub(crate) search: Search,
    channel: Channel,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// Short times, so that tests do not wait long.
pub(crate) fn config() -> SearchConfig {
    SearchConfig {
        pause_ms: 20,
        settle_ms: 300,
        scan_page: 50,
        query_timeout_ms: 500,
        ..SearchConfig::default()
    }
}

impl Rig {
    pub(crate) async fn new(config: SearchConfig) -> Self {
        let index = MemoryIndex::default();
        Self::on(Arc::new(index.clone()), index, config).await
    }

    /// As [`Rig::new`], on another engine.
    pub(crate) async fn on(engine: Arc<dyn Index>, index: MemoryIndex, config: SearchConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let bus = Embedded::open(&folder.path().join("bus.db"), clock.clone()).await.unwrap();
        let (songs, playlists) = (SongRows::new(), PlaylistRows::default());
        let deps = Deps {
            index: engine,
            bus: Arc::new(bus.clone()),
            songs: songs.channel(),
            playlists: playlists.channel(),
            role: RoleSigner::new("search", ROLE_SEED, "segue", clock.clone()),
            clock: clock.clone(),
        };
        let search = Search::new(config, deps).unwrap();
        search.declare().await.unwrap();
        let verifier = Verifier::new(VerifierConfig::default(), clock.clone());
        let public = RoleSigner::new("any", USER_SEED, "segue", clock.clone()).verifying_key().public;
        verifier.set_user_keys(&[VerifyingKey { id: "users".into(), public }]);
        let policies = Arc::new(Policies::segue().unwrap());
        let auth = Auth { verifier, policies, door: Door::Public, clock };
        let channel =
            Channel::local(Server::new(ServerConfig::default(), auth).add(search.service()).router());
        Self {
            index,
            bus,
            songs,
            playlists,
            search,
            channel,
            stop: CancellationToken::new(),
            running: None,
            _folder: folder,
        }
    }

    /// Runs what runs beside the service.
    pub(crate) fn run(&mut self) {
        let (search, stop) = (self.search.clone(), self.stop.clone());
        self.running = Some(tokio::spawn(async move { search.run(stop).await }));
    }

    pub(crate) async fn running(config: SearchConfig) -> Self {
        let mut rig = Self::new(config).await;
        rig.run();
        rig
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            tokio::time::timeout(Duration::from_secs(5), running).await.expect("it stops").unwrap();
        }
    }

    pub(crate) fn client(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn publish(&self, songs: &[&Fact]) {
        self.bus.publish(songs.iter().map(|song| song.message()).collect()).await.unwrap();
    }

    /// Titles of the first page.
    pub(crate) async fn found(&self, who: &Who, text: &str) -> Vec<String> {
        let answer = self.ask(who, SearchRequest { query: text.into(), ..Default::default() }).await.unwrap();
        answer.results.into_iter().map(|result| song(result).title).collect()
    }

    pub(crate) async fn ask(&self, who: &Who, request: SearchRequest) -> Result<SearchResponse, Status> {
        self.client().search(who.bearing(request)).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn rebuild(&self) -> Result<Vec<RebuildIndexResponse>, Status> {
        let request = Who::admin().bearing(RebuildIndexRequest {});
        self.client().rebuild_index(request).await?.into_inner().try_collect().await
    }

    pub(crate) async fn verify(&self) -> Result<Vec<VerifyIndexResponse>, Status> {
        let request = Who::admin().bearing(VerifyIndexRequest {});
        self.client().verify_index(request).await?.into_inner().try_collect().await
    }
}

pub(crate) fn song(result: SearchResult) -> SongItem {
    match result.item {
        Some(search_result::Item::Song(song)) => song,
        other => panic!("not a song: {other:?}"),
    }
}

/// A caller.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Anonymous,
    User { id: UserId, admin: bool },
}

impl Who {
    pub(crate) fn user(id: UserId) -> Self {
        Self::User { id, admin: false }
    }
    pub(crate) fn admin() -> Self {
        Self::User { id: UserId::new(), admin: true }
    }
    pub(crate) fn bearing<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Self::User { id, admin } = self {
            let now = SystemClock.now().seconds();
            let claims = Claims {
                iss: "segue".into(),
                aud: "segue".into(),
                sub: id.to_string(),
                sid: SessionId::new().to_string(),
                adm: *admin,
                iat: now,
                exp: now + 900,
            };
            let token = sign_token("users", &USER_SEED, &claims).unwrap();
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }
}

/// A song at one of its versions.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) id: SongId,
    pub(crate) owner: UserId,
    pub(crate) version: u64,
    pub(crate) state: SongState,
    pub(crate) visibility: Visibility,
    pub(crate) title: String,
    pub(crate) deleted: bool,
}

impl Fact {
    /// A song that plays, for everybody.
    pub(crate) fn ready(title: &str) -> Self {
        Self {
            id: SongId::new(),
            owner: UserId::new(),
            version: 4,
            state: SongState::Ready,
            visibility: Visibility::Public,
            title: title.into(),
            deleted: false,
        }
    }

    /// Its next version.
    pub(crate) fn next(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = Self { version: self.version + 1, ..self.clone() };
        change(&mut next);
        next
    }

    fn header(&self) -> SongChanged {
        SongChanged {
            song_id: self.id.to_string(),
            owner_id: self.owner.to_string(),
            state: self.state.as_str_name().trim_start_matches("SONG_STATE_").into(),
            visibility: self.visibility.as_str_name().trim_start_matches("VISIBILITY_").into(),
            title: self.title.clone(),
            artists: vec!["First".into(), "Second".into()],
            album: "An album".into(),
            album_artist: "Someone".into(),
            genre: "Jazz".into(),
            year: 1999,
            duration_ms: 180_000,
            create_time: Some(to_proto(CREATED)),
            ..Default::default()
        }
    }

    pub(crate) fn event(&self) -> Event {
        let header = self.header();
        let (kind, data) = match (self.deleted, self.state) {
            (true, _) => ("song.deleted.v1", Data::SongDeleted(header)),
            (_, SongState::Ready) => ("song.ready.v1", Data::SongReady(header)),
            _ => ("song.updated.v1", Data::SongUpdated(header)),
        };
        Event {
            id: EventId::new().to_string(),
            r#type: kind.into(),
            subject: self.id.to_string(),
            sequence: self.version,
            time: Some(to_proto(SystemClock.now())),
            shard_key: self.id.to_string(),
            data: Some(data),
        }
    }

    pub(crate) fn message(&self) -> Message {
        message(&self.event())
    }

    /// The row that the song service gives.
    pub(crate) fn row(&self) -> ScannedSong {
        let header = self.header();
        ScannedSong {
            song_id: header.song_id,
            version: self.version,
            owner_id: header.owner_id,
            state: self.state.into(),
            visibility: self.visibility.into(),
            title: header.title,
            artists: header.artists,
            album: header.album,
            album_artist: header.album_artist,
            genre: header.genre,
            year: header.year,
            duration_ms: header.duration_ms,
            create_time: header.create_time,
        }
    }
}

pub(crate) fn message(event: &Event) -> Message {
    Message {
        id: event.id.clone(),
        topic: event.r#type.clone(),
        key: event.subject.clone(),
        payload: prost::Message::encode_to_vec(event).into(),
        traceparent: None,
    }
}

pub(crate) async fn eventually(what: &str, check: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 10 s: {what}");
}

/// The code and the reason that a program sees.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.expect_err("the call is refused");
    (status.code(), status.get_error_details().error_info().expect("a reason").reason.clone())
}
