//! An edge over an [`Origin`], with a song whose grant is at hand.

use crate::origin::Origin;
use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use segue_domain::{Grant, GrantSigner, GrantVerifier, ManualClock, ObjectName, OutputId, SongId, Timestamp};
use segue_edge::{Deps, Edge, EdgeConfig};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) struct Rig {
    pub(crate) origin: Arc<Origin>,
    pub(crate) router: Router,
    pub(crate) clock: ManualClock,
    pub(crate) signer: GrantSigner,
    pub(crate) song: SongId,
    pub(crate) output: OutputId,
    pub(crate) config: EdgeConfig,
    /// The grant of the song, good for two hours.
    pub(crate) grant: String,
    _dir: Option<TempDir>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Rig {
    /// An edge without fetching ahead, so that every origin request has its reason in the test.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EdgeConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = EdgeConfig {
            cache_dir: dir.path().join("edge"),
            prefetch_fills: 0,
            idle_timeout_ms: 300,
            first_byte_timeout_ms: 300,
            ..EdgeConfig::default()
        };
        change(&mut config);
        let clock = ManualClock::new(Timestamp(0));
        let signer = GrantSigner::from_seed(&[5; 32]);
        let (song, output) = (SongId::new(), OutputId::new());
        let expires = clock_time(7200);
        let grant = signer.sign(&Grant { song, output, listener: None, expires });
        let origin = Arc::new(Origin::default());
        let router = open(&config, &origin, &signer, &clock).await;
        Self { origin, router, clock, signer, song, output, config, grant, _dir: Some(dir) }
    }

    /// The same folder, a new process.
    pub(crate) async fn restart(&mut self) {
        // The old edge gives up the folder when its last request and fill are done.
        self.router = Router::new();
        for _ in 0..500 {
            let lock = std::fs::File::open(self.config.cache_dir.join("lock")).unwrap();
            if lock.try_lock().is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.router = open(&self.config, &self.origin, &self.signer, &self.clock).await;
    }

    /// Puts an object of the song into the origin.
    pub(crate) fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        self.origin.put_object(&ObjectName::media(self.song, self.output, name).unwrap(), bytes);
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("/media/{}/{}/{}/{name}", self.grant, self.song, self.output)
    }

    /// The answer as soon as its head is there.
    pub(crate) async fn begin(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let (head, body) = self.begin(method, path, headers).await.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, name: &str) -> Answer {
        self.get_with(name, &[]).await
    }

    pub(crate) async fn get_with(&self, name: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, &self.path(name), headers).await
    }

    /// Files of the disk cache.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let shards = std::fs::read_dir(self.config.cache_dir.join("objects")).unwrap();
        let files = shards.flat_map(|s| std::fs::read_dir(s.unwrap().path()).unwrap());
        files.map(|f| f.unwrap().path()).collect()
    }

    /// Waits until that many objects are stored: storing goes on behind the answer.
    pub(crate) async fn stored(&self, count: usize) {
        until(|| self.files().len() == count).await;
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within ten seconds");
}

pub(crate) fn clock_time(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Bytes of which no two pieces are alike.
pub(crate) fn audio(len: usize) -> Bytes {
    (0..len).map(|n| (n * 31 + n / 251 * 7 + n / 65_521) as u8).collect()
}

async fn open(
    config: &EdgeConfig,
    origin: &Arc<Origin>,
    signer: &GrantSigner,
    clock: &ManualClock,
) -> Router {
    let deps = Deps {
        blob: origin.clone(),
        grants: GrantVerifier::new(&[signer.public_key()]).unwrap(),
        clock: Arc::new(clock.clone()),
    };
    Edge::open(config.clone(), deps).await.unwrap().router()
}
