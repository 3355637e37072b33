//! A server of one song service method and of files, on a port of its own.

use crate::{Client, CredentialStore, Credentials, MemoryCredentials};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use prost::Message;
use segue_proto::song::v1::{Cover, DownloadFile, GetDownloadRequest, GetDownloadResponse, Rung, Song};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A running edge.
pub(super) struct Edge {
    url: String,
    state: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    songs: HashMap<String, u32>,
    rung: String,
    asked: Vec<String>,
    grant: u32,
    corrupt: HashMap<String, u32>,
    expire_after: Option<usize>,
    refuse: bool,
    broken: Option<(usize, usize)>,
    behind_a_dead_one: bool,
}

impl Edge {
    pub(super) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(Inner { rung: "aac-128".into(), ..Inner::default() }));
        let router = Router::new().fallback(answer).with_state((url.clone(), Arc::clone(&state)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// A new song of so many segments.
    pub(super) fn song(&self, title: &str, segments: u32) -> Song {
        let mut state = self.state.lock().unwrap();
        let song_id =
            format!("0199f0aa-0000-7000-8000-{:012x}", (state.songs.len() as u64 + 1) * 0x1357_9bdf);
        state.songs.insert(song_id.clone(), segments);
        let cover = Cover { px: 640, url: format!("{}/media/c/{song_id}/o/cover-640.jpg", self.url) };
        Song {
            song_id,
            title: title.into(),
            artists: vec!["Björk".into()],
            covers: vec![cover],
            ..Song::default()
        }
    }

    pub(super) fn client(&self) -> Client {
        let store = MemoryCredentials::default();
        let credentials = Credentials {
            access_token: "token".into(),
            access_expires_ms: i64::MAX,
            refresh_token: String::new(),
            email: String::new(),
        };
        store.save(Some(&credentials)).unwrap();
        Client::new(&self.url, Arc::new(store)).unwrap()
    }

    /// Bytes of the files of the song that is there, with its cover.
    pub(super) fn total(&self) -> u64 {
        let state = self.state.lock().unwrap();
        let files = files(&state.rung, *state.songs.values().next().unwrap());
        files.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() + content("cover-640.jpg").len() as u64
    }

    pub(super) fn requests(&self) -> u64 {
        self.state.lock().unwrap().asked.len() as u64
    }
    pub(super) fn requests_of(&self, name: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| *asked == name).count()
    }
    pub(super) fn grants(&self) -> u32 {
        self.state.lock().unwrap().grant
    }
    pub(super) fn rung(&self, name: &str) {
        self.state.lock().unwrap().rung = name.into();
    }
    /// The next so many answers for a file are other bytes.
    pub(super) fn corrupt(&self, name: &str, times: u32) {
        self.state.lock().unwrap().corrupt.insert(name.into(), times);
    }
    /// The first grant ends after so many requests.
    pub(super) fn expire_after(&self, requests: usize) {
        self.state.lock().unwrap().expire_after = Some(requests);
    }
    pub(super) fn refuse_all(&self) {
        self.state.lock().unwrap().refuse = true;
    }
    /// From so many requests on, connections break in the middle of an answer.
    pub(super) fn break_after(&self, requests: usize) {
        self.state.lock().unwrap().broken = Some((requests, usize::MAX));
    }
    /// As [`Edge::break_after`], for so many requests.
    pub(super) fn break_for(&self, from: usize, count: usize) {
        self.state.lock().unwrap().broken = Some((from, from + count));
    }
    /// It becomes the one to fall back to, behind one that nobody answers at.
    pub(super) fn stand_behind_a_dead_one(&self) {
        self.state.lock().unwrap().behind_a_dead_one = true;
    }
    pub(super) fn mend(&self) {
        self.state.lock().unwrap().broken = None;
    }
}

type Shared = (String, Arc<Mutex<Inner>>);

async fn answer(State((url, state)): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with("/GetDownload") {
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
        // Five bytes of frame before the message.
        let asked = GetDownloadRequest::decode(&body[5..]).unwrap();
        return grpc(&get_download(&url, &mut state.lock().unwrap(), &asked));
    }
    let mut state = state.lock().unwrap();
    // /media/{grant}/{song}/{output}/{name}
    let parts: Vec<&str> = path.splitn(6, '/').collect();
    let (grant, name) = (parts[2], parts[5]);
    let number = state.asked.len();
    state.asked.push(name.into());
    if state.broken.is_some_and(|(from, to)| (from..to).contains(&number)) {
        let pieces = [Ok(vec![0u8; 10]), Err(std::io::Error::other("cut"))];
        return Response::new(Body::from_stream(futures::stream::iter(pieces)));
    }
    let ended = state.expire_after.is_some_and(|most| number >= most) && grant == "1";
    if grant != "c" && (ended || state.refuse) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut bytes = content(name);
    if let Some(times) = state.corrupt.get_mut(name).filter(|times| **times > 0) {
        *times -= 1;
        bytes[0] ^= 1;
    }
    bytes.into_response()
}

fn get_download(url: &str, state: &mut Inner, asked: &GetDownloadRequest) -> GetDownloadResponse {
    state.grant += 1;
    let song = &asked.song_id;
    let files = files(&state.rung, state.songs[song]).into_iter().map(|(name, bytes)| DownloadFile {
        name,
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
    });
    let rung = Rung { name: state.rung.clone(), codec: "mp4a.40.2".into(), ..Rung::default() };
    let here = format!("{url}/media/{}/{song}/o/", state.grant);
    let answer = GetDownloadResponse { rung: Some(rung), files: files.collect(), ..Default::default() };
    if state.behind_a_dead_one {
        let base_url = "http://127.0.0.1:1/".into();
        return GetDownloadResponse { base_url, fallback_base_urls: vec![here], ..answer };
    }
    GetDownloadResponse { base_url: here, ..answer }
}

fn files(rung: &str, segments: u32) -> Vec<(String, Vec<u8>)> {
    let mut names = vec![format!("{rung}/init.mp4")];
    names.extend((1..=segments).map(|number| format!("{rung}/{number:05}.m4s")));
    names.push(format!("{rung}/index.m3u8"));
    names.into_iter().map(|name| (name.clone(), content(&name))).collect()
}

/// Some thousand bytes that stand for a file.
fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(5000 + name.len()).collect()
}

/// One message, and the status in trailers.
fn grpc(message: &impl Message) -> Response {
    let mut bytes = vec![0];
    bytes.extend((message.encoded_len() as u32).to_be_bytes());
    bytes.extend(message.encode_to_vec());
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let frames = [
        Ok::<_, std::io::Error>(http_body::Frame::data(axum::body::Bytes::from(bytes))),
        Ok(http_body::Frame::trailers(trailers)),
    ];
    let mut response =
        Response::new(Body::new(http_body_util::StreamBody::new(futures::stream::iter(frames))));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    response
}
