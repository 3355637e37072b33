//! One role on one store engine, and short words for what tests do with it.

use super::{blob::FakeBlob, bus::Shared};
use crate::{Deps, Song, SongApi, SongConfig, block, consume::Inbox, record::SongRecord, role::Role};
use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use segue_cache::{CacheConfig, Tiered};
use segue_domain::{
    EncodingId, EventId, GrantSigner, ManualClock, OutputId, SessionId, SongId, Timestamp, UserId,
};
use segue_mesh::{Caller, User};
use segue_ports::bus::{self, Bus};
use segue_proto::{
    event::v1::{self as event, Event, event::Data},
    song::v1::{song_service_server::SongService, *},
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
pub(super) const BLOCK: u64 = 10;

pub(super) struct World {
    pub(super) test: TestStore,
    pub(super) blob: Arc<FakeBlob>,
    pub(super) bus: Arc<Shared>,
    pub(super) clock: ManualClock,
    pub(super) song: Song,
    pub(super) api: SongApi,
    relayed: Mutex<HashSet<String>>,
}

/// A fresh world per store engine, with small blocks.
pub(super) async fn worlds() -> Vec<World> {
    worlds_with(|_| ()).await
}

pub(super) async fn worlds_with(change: impl Fn(&mut SongConfig)) -> Vec<World> {
    let mut config = SongConfig { block_bytes: BLOCK, max_file_bytes: 1000, ..SongConfig::default() };
    change(&mut config);
    let mut worlds = Vec::new();
    for test in stores().await {
        Song::migrate(&test.store).await.unwrap();
        let (blob, bus, clock) = (Arc::<FakeBlob>::default(), Shared::new(), ManualClock::new(NOW));
        let deps = Deps {
            store: test.store.clone(),
            blob: blob.clone(),
            bus: bus.clone(),
            cache: Arc::new(Tiered::new(&CacheConfig::default(), None, Arc::new(clock.clone())).unwrap()),
            grants: GrantSigner::from_seed(&[7; 32]),
            clock: Arc::new(clock.clone()),
            crash: |_| (),
        };
        let song = Song::new(config.clone(), deps).unwrap();
        let api = SongApi::new(song.role().clone());
        worlds.push(World { test, blob, bus, clock, song, api, relayed: Mutex::default() });
    }
    worlds
}

pub(super) fn user(id: UserId) -> Caller {
    Caller::User(User { id, session: SessionId::new(), admin: false, expires: Timestamp(i64::MAX) })
}

pub(super) fn admin() -> Caller {
    Caller::User(User {
        id: UserId::new(),
        session: SessionId::new(),
        admin: true,
        expires: Timestamp(i64::MAX),
    })
}

pub(super) fn as_caller<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

pub(super) fn by<T>(owner: UserId, message: T) -> Request<T> {
    as_caller(&user(owner), message)
}

pub(super) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|i| i.reason.clone()).unwrap_or_default()
}

pub(super) fn fails<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = result.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

pub(super) fn sha(n: u8) -> String {
    hex::encode([n; 32])
}

pub(super) fn request(size: u64) -> CreateSongRequest {
    CreateSongRequest {
        filename: "a song.flac".into(),
        size_bytes: size,
        sha256: sha(1),
        ..Default::default()
    }
}

pub(super) fn tags() -> event::Tags {
    event::Tags {
        title: "tag title".into(),
        artists: vec!["tag artist".into()],
        album: "tag album".into(),
        year: 1999,
        ..Default::default()
    }
}

/// What a file says of itself: three minutes, not silent, with a cover.
pub(super) fn said(
    title: &str,
    artists: &[&str],
    album: &str,
    album_artist: &str,
) -> event::EncodingSucceeded {
    event::EncodingSucceeded {
        duration_ms: 180_000,
        loudness_lufs: Some(-14.0),
        true_peak_db: Some(-1.0),
        cover_sizes: vec![96],
        tags: Some(event::Tags {
            title: title.into(),
            artists: artists.iter().map(|artist| (*artist).into()).collect(),
            album: album.into(),
            album_artist: album_artist.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

impl World {
    pub(super) fn role(&self) -> &Arc<Role> {
        self.song.role()
    }

    pub(super) async fn row(&self, id: SongId) -> SongRecord {
        self.role().songs.latest(id).await.unwrap().expect("the song has a row")
    }

    /// A song in CREATED.
    pub(super) async fn create(&self, owner: UserId, size: u64) -> SongId {
        let made = self.api.create_song(by(owner, request(size))).await.unwrap().into_inner();
        made.song.unwrap().song_id.parse().unwrap()
    }

    /// Puts all blocks of a song, last first.
    pub(super) async fn put(&self, id: SongId) {
        let row = self.row(id).await;
        let plan = block::BlockPlan { size: row.original.size, block_size: row.original.block_size };
        for i in (0..plan.count()).rev() {
            self.blob.put_block(&row.object(), &block::id(i), plan.len(i).unwrap());
        }
    }

    pub(super) async fn complete(&self, owner: UserId, id: SongId) -> Result<Song_, Status> {
        let request = CompleteUploadRequest { song_id: id.to_string() };
        Ok(self.api.complete_upload(by(owner, request)).await?.into_inner().song.unwrap())
    }

    /// A song in UPLOADED, and its job.
    pub(super) async fn uploaded(&self, owner: UserId) -> (SongId, EncodingId) {
        let id = self.create(owner, 25).await;
        self.put(id).await;
        self.complete(owner, id).await.unwrap();
        (id, self.row(id).await.encoding.unwrap())
    }

    pub(super) async fn ready(&self, owner: UserId) -> SongId {
        let (id, encoding) = self.uploaded(owner).await;
        self.succeed(id, encoding, OutputId::new()).await;
        id
    }

    pub(super) async fn handle(&self, inbox: Inbox, data: Data) {
        self.role().handle(inbox, fact(data)).await.unwrap();
    }

    pub(super) async fn start(&self, song: SongId, encoding: EncodingId) {
        self.handle(Inbox::Encodings, started(song, encoding)).await;
    }

    pub(super) async fn succeed(&self, song: SongId, encoding: EncodingId, output: OutputId) {
        self.handle(Inbox::Encodings, succeeded(song, encoding, output)).await;
    }

    pub(super) async fn fail(&self, song: SongId, encoding: EncodingId, reason: &str) {
        self.handle(Inbox::Encodings, failed(song, encoding, reason)).await;
    }

    /// Facts that were written and not yet taken from here, oldest first per song.
    pub(super) async fn facts(&self) -> Vec<Event> {
        self.facts_of(|_| true).await
    }

    /// Those of them about songs.
    pub(super) async fn song_facts(&self) -> Vec<Event> {
        self.facts_of(|event| event.r#type.starts_with("song.")).await
    }

    /// Those of them about albums and artists.
    pub(super) async fn shelf_facts(&self) -> Vec<Event> {
        self.facts_of(|event| !event.r#type.starts_with("song.")).await
    }

    async fn facts_of(&self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let sql = "SELECT payload FROM outbox ORDER BY subject, sequence";
        let statement = Statement::from_string(self.test.store.backend(), sql);
        let rows = self.test.store.primaries()[0].query_all_raw(statement).await.unwrap();
        let events = rows.iter().map(|row| {
            let bytes: Vec<u8> = row.try_get("", "payload").unwrap();
            Event::decode(bytes.as_slice()).unwrap()
        });
        let mut relayed = self.relayed.lock().unwrap();
        events.filter(|e| wanted(e) && relayed.insert(e.id.clone())).collect()
    }

    /// The same role in another process: its own cache, on the same engines.
    pub(super) fn process(&self, crash: fn(&'static str)) -> Song {
        let clock = Arc::new(self.clock.clone());
        let deps = Deps {
            store: self.test.store.clone(),
            blob: self.blob.clone(),
            bus: self.bus.clone(),
            cache: Arc::new(Tiered::new(&CacheConfig::default(), None, clock.clone()).unwrap()),
            grants: GrantSigner::from_seed(&[7; 32]),
            clock,
            crash,
        };
        Song::new(SongConfig::default(), deps).unwrap()
    }

    /// Brings new facts to the lists by owner, and to albums and artists.
    pub(super) async fn relay(&self) {
        for event in self.song_facts().await {
            self.role().handle(Inbox::OwnerList, event.clone()).await.unwrap();
            self.role().handle(Inbox::Places, event).await.unwrap();
        }
    }

    /// A READY song whose file says this of itself.
    pub(super) async fn tagged(&self, owner: UserId, said: event::EncodingSucceeded) -> SongId {
        let (id, encoding) = self.uploaded(owner).await;
        let said = event::EncodingSucceeded {
            song_id: id.to_string(),
            encoding_id: encoding.to_string(),
            output_id: OutputId::new().to_string(),
            rungs: vec![event::Rung { name: "aac-64".into(), bytes: 10, ..Default::default() }],
            ..said
        };
        self.handle(Inbox::Encodings, Data::EncodingSucceeded(said)).await;
        id
    }

    /// Changes fields of a song as its owner does.
    pub(super) async fn edit(&self, owner: UserId, song: Song_, paths: &[&str]) {
        let update_mask = Some(prost_types::FieldMask { paths: paths.iter().map(|p| (*p).into()).collect() });
        let request = UpdateSongRequest { song: Some(song), update_mask };
        self.api.update_song(by(owner, request)).await.unwrap();
    }

    pub(super) async fn delete(&self, owner: UserId, id: SongId) {
        let request = DeleteSongRequest { song_id: id.to_string(), etag: String::new() };
        self.api.delete_song(by(owner, request)).await.unwrap();
    }

    /// Publishes new facts on the bus.
    pub(super) async fn publish(&self) {
        let messages = self.facts().await.into_iter().map(|e| message(&e)).collect();
        self.bus.publish(messages).await.unwrap();
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// The song on the wire, named so that it does not clash with the role.
pub(super) type Song_ = segue_proto::song::v1::Song;

pub(super) fn message(event: &Event) -> bus::Message {
    bus::Message {
        id: event.id.clone(),
        topic: event.r#type.clone(),
        key: event.subject.clone(),
        payload: event.encode_to_vec().into(),
        traceparent: None,
    }
}

pub(super) fn fact(data: Data) -> Event {
    let r#type = match &data {
        Data::EncodingStarted(_) => "encoding.started.v1",
        Data::EncodingSucceeded(_) => "encoding.succeeded.v1",
        Data::EncodingFailed(_) => "encoding.failed.v1",
        Data::UserDeleted(_) => "user.deleted.v1",
        _ => "other.v1",
    };
    Event {
        id: EventId::new().to_string(),
        r#type: r#type.into(),
        sequence: 1,
        data: Some(data),
        ..Default::default()
    }
}

pub(super) fn started(song: SongId, encoding: EncodingId) -> Data {
    Data::EncodingStarted(event::EncodingStarted {
        encoding_id: encoding.to_string(),
        song_id: song.to_string(),
        owner_id: String::new(),
    })
}

pub(super) fn succeeded(song: SongId, encoding: EncodingId, output: OutputId) -> Data {
    let rung = |name: &str, bytes, lossless| event::Rung {
        name: name.into(),
        bytes,
        lossless,
        average_bandwidth: bytes as u32,
        ..Default::default()
    };
    Data::EncodingSucceeded(event::EncodingSucceeded {
        encoding_id: encoding.to_string(),
        song_id: song.to_string(),
        output_id: output.to_string(),
        duration_ms: 180_000,
        loudness_lufs: Some(-14.0),
        true_peak_db: Some(f64::NAN),
        tags: Some(tags()),
        cover_sizes: vec![320, 96],
        rungs: vec![rung("aac-64", 10, false), rung("aac-128", 20, false), rung("flac", 90, true)],
        ..Default::default()
    })
}

pub(super) fn failed(song: SongId, encoding: EncodingId, reason: &str) -> Data {
    Data::EncodingFailed(event::EncodingFailed {
        encoding_id: encoding.to_string(),
        song_id: song.to_string(),
        owner_id: String::new(),
        reason: reason.into(),
        message: "it is not audio\0".into(),
    })
}
