//! Caches, origins and servers for tests.

use async_trait::async_trait;
use bytes::Bytes;
use segue_cache::{CacheConfig, Redis, RedisConfig, RedisUrl, Tiered};
use segue_domain::{Clock, ManualClock};
use segue_ports::cache::{Cache, LoadError, Loaded, Origin, Region, Source, Value};
use std::{
    collections::HashMap,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The server that this variable names; none when it is not set, and says so.
pub(crate) fn server(variable: &str) -> Option<RedisUrl> {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("{variable} is not set: it is not tested here");
    }
    url.map(RedisUrl::new)
}

pub(crate) fn config(life: Duration, absent: Duration, stale: Duration) -> CacheConfig {
    CacheConfig {
        life_seconds: life.as_secs(),
        absent_seconds: absent.as_secs(),
        stale_seconds: stale.as_secs(),
        ..CacheConfig::default()
    }
}

pub(crate) fn redis(url: &RedisUrl, timeout_ms: u64, clock: impl Clock) -> Redis {
    let config = RedisConfig { url: url.clone(), timeout_ms, ..RedisConfig::default() };
    Redis::connect(&config, Arc::new(clock)).expect("a good configuration")
}

/// A cache that waits for its Redis to connect before the first region is opened.
#[derive(Debug)]
pub(crate) struct Process(Tiered);

impl Process {
    pub(crate) fn new(config: &CacheConfig, redis: Option<Redis>, clock: ManualClock) -> Self {
        if let Some(redis) = redis.clone() {
            let connected = async move { redis.check().await.expect("Redis is there") };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(connected));
        }
        Self(Tiered::new(config, redis, Arc::new(clock)).expect("a good configuration"))
    }
}

impl Cache for Process {
    fn region(&self, origin: Arc<dyn Origin>) -> Arc<dyn Region> {
        self.0.region(origin)
    }
}

/// An origin whose things are as new as it is told.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) loads: AtomicU64,
    /// Everything has version 1 but for these.
    pub(crate) newer: Mutex<HashMap<String, u64>>,
}

impl Versions {
    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
    pub(crate) fn set(&self, id: &str, version: u64) {
        self.newer.lock().unwrap().insert(id.to_owned(), version);
    }
}

#[async_trait]
impl Origin for Versions {
    fn kind(&self) -> &'static str {
        "test.1"
    }
    async fn load(&self, ids: &[String], _: Source) -> Result<HashMap<String, Loaded>, LoadError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let newer = self.newer.lock().unwrap();
        let loaded = |id: &String| {
            let version = newer.get(id).copied().unwrap_or(1);
            let bytes = Bytes::from(format!("version {version}"));
            (id.clone(), Loaded { version, value: Arc::new(version), bytes })
        };
        Ok(ids.iter().map(loaded).collect())
    }
    fn decode(&self, bytes: &[u8]) -> Option<Value> {
        let version: u64 = std::str::from_utf8(bytes).ok()?.strip_prefix("version ")?.parse().ok()?;
        Some(Arc::new(version))
    }
}

pub(crate) async fn read(region: &Arc<dyn Region>, id: &str) -> u64 {
    let value = region.get(id, 0).await.expect("an answer").expect("a value");
    *value.downcast::<u64>().expect("a version")
}

/// A server of its own, which the test may kill. Its data goes with it.
pub(crate) struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `None`, said aloud, where no server is installed.
    pub(crate) async fn start() -> Option<Self> {
        if !Path::new("/usr/bin/redis-server").exists() {
            eprintln!("redis-server is not installed: faults of Redis are not tested here");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let server = Self { child: spawn(port, folder.path()), port, _folder: folder };
        server.ready().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> RedisUrl {
        RedisUrl::new(self.plain_url())
    }

    pub(crate) fn plain_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is dead");
    }

    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.port, self._folder.path());
        self.ready().await;
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    async fn ready(&self) {
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not listen");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is stopped cannot be waited for.
        let _ = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &Path) -> Child {
    let mut command = Command::new("/usr/bin/redis-server");
    command.args([
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
    ]);
    command.arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redis-server starts")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}
