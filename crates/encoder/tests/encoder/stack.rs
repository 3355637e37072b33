//! A running encoder with everything around it.

use crate::{memory_blob::MemoryBlob, original::Original, song_service::Songs};
use prost::Message as _;
use sea_orm::{ConnectionTrait, Statement};
use segue_bus::Embedded;
use segue_domain::{Clock, SessionId, SystemClock, Timestamp, UserId};
use segue_encoder::{Deps, Encoder, EncoderConfig, WorkerCommand};
use segue_mesh::{Caller, Channel, RoleSigner, User};
use segue_ports::bus::{Bus, DeadLetter};
use segue_proto::{
    encoder::v1::{
        Encoding, EncodingState, GetEncodingRequest, encoder_service_client::EncoderServiceClient,
    },
    event::v1::Event,
};
use segue_store::testing::{TestStore, stores};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// The child process of this crate's example, which cargo builds with the tests.
pub(crate) fn worker() -> WorkerCommand {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/worker");
    assert!(program.exists(), "{} is built by `cargo test`", program.display());
    WorkerCommand { program, args: Vec::new() }
}

/// A child process that is a shell script.
pub(crate) fn script(text: &str) -> WorkerCommand {
    WorkerCommand { program: PathBuf::from("/bin/sh"), args: vec!["-c".into(), text.into()] }
}

pub(crate) struct Set {
    pub(crate) config: EncoderConfig,
    pub(crate) worker: WorkerCommand,
    pub(crate) crash: fn(&'static str),
}

impl Default for Set {
    fn default() -> Self {
        let config = EncoderConfig { backoff_ms: 20, pause_ms: 20, niceness: 0, ..EncoderConfig::default() };
        Self { config, worker: worker(), crash: |_| {} }
    }
}

pub(crate) struct Stack {
    pub(crate) blob: Arc<MemoryBlob>,
    pub(crate) bus: Embedded,
    pub(crate) songs: Songs,
    pub(crate) encoder: Encoder,
    pub(crate) spool: PathBuf,
    config: EncoderConfig,
    deps: Deps,
    shutdown: CancellationToken,
    running: Option<JoinHandle<()>>,
    store: TestStore,
    _folder: tempfile::TempDir,
}

impl Stack {
    pub(crate) async fn start(set: Set) -> Self {
        let store = stores().await.remove(0);
        Encoder::migrate(&store.store).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let bus = Embedded::open(&folder.path().join("bus.db"), clock.clone()).await.unwrap();
        let (blob, songs) = (Arc::<MemoryBlob>::default(), Songs::default());
        let spool = folder.path().join("spool");
        let config = EncoderConfig { spool_dir: spool.clone(), ..set.config };
        let deps = Deps {
            store: store.store.clone(),
            blob: blob.clone(),
            bus: Arc::new(bus.clone()),
            songs: songs.channel(),
            role: RoleSigner::new("encoder", [7; 32], "segue", clock.clone()),
            clock,
            worker: set.worker,
            crash: set.crash,
        };
        let encoder = Encoder::new(config.clone(), deps.clone()).unwrap();
        encoder.declare().await.unwrap();
        let mut stack = Self {
            blob,
            bus,
            songs,
            encoder,
            spool,
            config,
            deps,
            shutdown: CancellationToken::new(),
            running: None,
            store,
            _folder: folder,
        };
        stack.run();
        stack
    }

    fn run(&mut self) {
        let (encoder, shutdown) = (self.encoder.clone(), self.shutdown.clone());
        self.running = Some(tokio::spawn(async move { encoder.run(shutdown).await }));
    }

    /// Shuts the encoder down, as a process that ends in order.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        self.running.take().unwrap().await.unwrap();
    }

    /// Starts it again, with another child process.
    pub(crate) fn start_again(&mut self, worker: WorkerCommand) {
        self.deps.worker = worker;
        self.encoder = Encoder::new(self.config.clone(), self.deps.clone()).unwrap();
        self.shutdown = CancellationToken::new();
        self.run();
    }

    /// A client of a caller.
    pub(crate) fn client(&self, caller: Caller) -> EncoderServiceClient<Channel> {
        let router = Routes::new(self.encoder.service()).prepare().into_axum_router();
        EncoderServiceClient::new(Channel::local(router.layer(axum::Extension(caller))))
    }

    pub(crate) async fn encoding(&self, original: &Original) -> Option<Encoding> {
        let mut client = self.client(user(original.owner));
        let request = GetEncodingRequest {
            encoding_id: original.encoding.to_string(),
            song_id: original.song.to_string(),
        };
        match client.get_encoding(request).await {
            Ok(answer) => answer.into_inner().encoding,
            Err(status) if status.code() == tonic::Code::NotFound => None,
            Err(status) => panic!("{status}"),
        }
    }

    /// Waits until the encoding is in a state.
    pub(crate) async fn wait_for(&self, original: &Original, state: EncodingState) -> Encoding {
        let wait = async {
            loop {
                match self.encoding(original).await {
                    Some(encoding) if encoding.state() == state => return encoding,
                    Some(encoding) if encoding.state() as i32 > state as i32 => panic!("{encoding:?}"),
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("the encoding gets there within a minute")
    }

    /// Waits until it has failed; the reason.
    pub(crate) async fn failure(&self, original: &Original) -> String {
        let encoding = self.wait_for(original, EncodingState::Failed).await;
        assert!(encoding.failure_message.len() > 10, "a sentence: {encoding:?}");
        encoding.failure_reason
    }

    /// Every fact that was told of the song's encodings, in order.
    pub(crate) async fn told(&self, original: &Original) -> Vec<Event> {
        let store = &self.store.store;
        let sql = "SELECT payload FROM outbox WHERE shard_key = $1 ORDER BY subject, sequence";
        let statement =
            Statement::from_sql_and_values(store.backend(), sql, [original.song.to_string().into()]);
        let rows = store.primary(&original.song.into()).query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|r| Event::decode(r.try_get::<Vec<u8>>("", "payload").unwrap().as_slice()).unwrap())
            .collect()
    }

    pub(crate) async fn told_kinds(&self, original: &Original) -> Vec<String> {
        self.told(original).await.into_iter().map(|e| e.r#type).collect()
    }

    pub(crate) async fn dead_letters(&self) -> Vec<DeadLetter> {
        self.bus.dead_letters("encoder.jobs").await.unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn user(id: UserId) -> Caller {
    Caller::User(User { id, session: SessionId::new(), admin: false, expires: Timestamp(i64::MAX) })
}

pub(crate) fn admin() -> Caller {
    Caller::User(User {
        id: UserId::new(),
        session: SessionId::new(),
        admin: true,
        expires: Timestamp(i64::MAX),
    })
}

/// Waits until `done` says so.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
