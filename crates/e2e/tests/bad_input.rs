//! What a hostile or mistaken client sends, and the answer it gets: the right code and a sentence that helps.

use base64::{Engine, engine::general_purpose::STANDARD};
use segue_client::{
    Client, ClientError, MemoryCredentials, Patience, UploadOptions, identify,
    proto::{
        identity::v1::{GetMeRequest, SignOutRequest},
        song::v1::*,
    },
};
use segue_domain::SongId;
use segue_e2e::{music, up::Up};
use sha2::{Digest, Sha256};
use std::{path::Path, sync::Arc, time::Duration};
use tonic::{Code, Request};
use tonic_types::StatusExt;

struct World {
    up: Up,
    client: Client,
    http: reqwest::Client,
    folder: tempfile::TempDir,
}

async fn world(environment: &[(&str, &str)]) -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let up = Up::start_with(environment);
    let client = Client::new(up.url(), Arc::new(MemoryCredentials::default())).unwrap();
    client.sign_in(up.email(), up.password(), "test").await.unwrap();
    World { up, client, http: reqwest::Client::new(), folder: tempfile::tempdir().unwrap() }
}

impl World {
    async fn create(&self, bytes: &[u8]) -> (String, UploadGrant) {
        self.create_as(bytes.len() as u64, &hex::encode(Sha256::digest(bytes))).await.unwrap()
    }

    async fn create_as(&self, size_bytes: u64, sha256: &str) -> Result<(String, UploadGrant), tonic::Status> {
        let request = CreateSongRequest {
            filename: "song.wav".into(),
            size_bytes,
            sha256: sha256.into(),
            ..Default::default()
        };
        let answer =
            self.client.songs().create_song(self.client.request(request).await.unwrap()).await?.into_inner();
        Ok((answer.song.unwrap().song_id, answer.upload.unwrap()))
    }

    async fn put_block(&self, grant: &UploadGrant, index: u32, bytes: &[u8]) -> u16 {
        self.put(&format!("{}&comp=block&blockid={}", grant.url, id(index)), bytes).await.0
    }

    async fn put(&self, url: &str, bytes: &[u8]) -> (u16, String) {
        let answer = self
            .http
            .put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .body(bytes.to_vec())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn get(&self, url: &str) -> (u16, String) {
        let answer = self.http.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    async fn complete(&self, song: &str) -> Result<Song, tonic::Status> {
        let request = self.client.request(CompleteUploadRequest { song_id: song.into() }).await.unwrap();
        Ok(self.client.songs().complete_upload(request).await?.into_inner().song.unwrap())
    }

    /// The reason that a file fails with, and that its song says the same.
    async fn failure(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let identity = identify(&file, |_| ()).await.unwrap();
        match self.client.upload(&identity, &UploadOptions::default(), &()).await {
            Ok(done) => {
                let failure = done.song.failure.clone().unwrap_or_default();
                assert!(!failure.message.is_empty() || done.song.state() == SongState::Ready, "{failure:?}");
                failure.reason
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

fn id(index: u32) -> String {
    STANDARD.encode(format!("{index:08}")).replace('=', "%3D").replace('+', "%2B").replace('/', "%2F")
}

fn wav(folder: &Path, samples: u64) -> Vec<u8> {
    let file = folder.join("source.wav");
    music::sine(samples, 44_100, &file);
    std::fs::read(file).unwrap()
}

/// One refusal: code, ErrorInfo, and a sentence.
fn refused<T: std::fmt::Debug>(result: Result<T, tonic::Status>, code: Code, reason: &str) -> tonic::Status {
    let status = result.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "segue"), "{status:?}");
    assert!(status.message().len() > 15, "{status:?}");
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_songs_fail_with_a_reason_and_the_rest_goes_on() {
    let world = world(&[]).await;
    let good = wav(world.folder.path(), 60_000);
    let flac = {
        let (from, to) = (world.folder.path().join("source.wav"), world.folder.path().join("x.flac"));
        music::cut(&from, 0.0, 2.0, &to, &[]);
        std::fs::read(to).unwrap()
    };
    let mp3 = std::fs::read(&music::asc()[0]).unwrap();
    for (name, bytes, reason) in [
        ("text.mp3", b"this is not music at all, it is a sentence".repeat(100), "NOT_AUDIO"),
        ("picture.flac", [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 5000]].concat(), "NOT_AUDIO"),
        ("one byte.wav", vec![0], "NOT_AUDIO"),
        ("cut.wav", good[..good.len() / 2].to_vec(), "DAMAGED_AUDIO"),
        ("cut.flac", flac[..flac.len() / 2].to_vec(), "DAMAGED_AUDIO"),
        ("really a wav.mp3", good.clone(), ""),
        ("really an mp3.wav", mp3, ""),
    ] {
        assert_eq!(world.failure(name, &bytes).await, reason, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn declarations_that_cannot_be_are_refused_by_field() {
    let world = world(&[("SEGUE__SONG__MAX_FILE_BYTES", "1000000")]).await;
    let hash = "a".repeat(64);
    for (size, hash, field) in [
        (0, hash.as_str(), "size_bytes"),
        (1_000_001, &hash, "size_bytes"),
        (5, "xyz", "sha256"),
        (5, &hash[1..], "sha256"),
        (5, "", "sha256"),
    ] {
        let status = world.create_as(size, hash).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{size} {hash}: {status:?}");
        let fields = status.get_details_bad_request().unwrap().field_violations;
        assert!(fields.iter().any(|f| f.field == field), "{size} {hash}: {fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_in_any_order_repeated_or_wrong() {
    let world = world(&[("SEGUE__SONG__BLOCK_BYTES", "262144")]).await;
    let bytes = wav(world.folder.path(), 250_000);
    let (song, grant) = world.create(&bytes).await;
    let size = grant.block_size as usize;
    let blocks: Vec<&[u8]> = bytes.chunks(size).collect();
    assert_eq!((grant.block_count as usize, size), (blocks.len(), 262_144));

    let early = refused(world.complete(&song).await, Code::FailedPrecondition, "UPLOAD_INCOMPLETE");
    assert!(early.get_details_error_info().unwrap().metadata["missing_blocks"].starts_with("0"), "{early:?}");

    // Backwards, one of them twice, one with the wrong size first.
    assert_eq!(world.put_block(&grant, 1, &blocks[1][..100]).await, 201);
    let last = blocks.len() - 1;
    for index in (0..blocks.len()).rev().filter(|i| *i != 1) {
        assert_eq!(world.put_block(&grant, index as u32, blocks[index]).await, 201);
    }
    assert_eq!(world.put_block(&grant, last as u32, blocks[last]).await, 201);
    let status = refused(world.complete(&song).await, Code::FailedPrecondition, "UPLOAD_INCOMPLETE");
    assert_eq!(status.get_details_error_info().unwrap().metadata["missing_blocks"], "1");
    let request = world.client.request(GetUploadRequest { song_id: song.clone() }).await.unwrap();
    let upload = world.client.songs().get_upload(request).await.unwrap().into_inner().upload.unwrap();
    assert_eq!((upload.state(), upload.received_blocks.len()), (UploadState::Uploading, last));

    assert_eq!(world.put_block(&grant, 1, blocks[1]).await, 201);
    let first = world.complete(&song).await.unwrap();
    let second = world.complete(&song).await.unwrap();
    assert_eq!((first.song_id, first.encoding_id), (second.song_id, second.encoding_id), "twice is once");
    let done = world.client.watch(&song, Patience::default(), |_, _| ()).await.unwrap();
    assert_eq!(done.state(), SongState::Ready, "{:?}", done.failure);

    // The URL outlives completion; what is written now changes nothing.
    let before = world
        .client
        .songs()
        .get_playback(world.client.request(GetPlaybackRequest { song_id: song.clone() }).await.unwrap())
        .await
        .unwrap();
    let url = before.into_inner().master_url;
    let (status, _) = world.put(&grant.url, b"other bytes").await;
    assert_eq!(status, 201);
    assert_eq!(music::samples(&url, 2), 250_000);
    assert_eq!(
        world.client.watch(&song, Patience::default(), |_, _| ()).await.unwrap().state(),
        SongState::Ready
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_other_than_declared_need_new_ones() {
    let world = world(&[]).await;
    let bytes = wav(world.folder.path(), 50_000);
    let (song, grant) = world.create_as(bytes.len() as u64, &"ab".repeat(32)).await.unwrap();
    assert_eq!(world.put_block(&grant, 0, &bytes).await, 201);
    world.complete(&song).await.unwrap();
    let done = world.client.watch(&song, Patience::default(), |_, _| ()).await.unwrap();
    assert_eq!(done.failure.unwrap().reason, "CHECKSUM_MISMATCH");
    let request = world.client.request(RetrySongRequest { song_id: song.clone() }).await.unwrap();
    let again = world.client.songs().retry_song(request).await.unwrap().into_inner();
    assert_ne!(again.upload.expect("a new grant").upload_id, grant.upload_id);

    // More bytes than declared are refused, and sending the right ones helps.
    let (song, grant) = world.create(&bytes).await;
    let long = [bytes.as_slice(), b"more"].concat();
    let (status, _) = world.put(&grant.url, &long).await;
    if status == 201 {
        refused(world.complete(&song).await, Code::FailedPrecondition, "UPLOAD_SIZE_MISMATCH");
    } else {
        assert_eq!(status, 413);
    }
    assert_eq!(world.put_block(&grant, 0, &bytes).await, 201);
    world.complete(&song).await.unwrap();
    assert_eq!(
        world.client.watch(&song, Patience::default(), |_, _| ()).await.unwrap().state(),
        SongState::Ready
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_urls_open_what_they_name_and_nothing_else() {
    let world = world(&[]).await;
    let bytes = wav(world.folder.path(), 10_000);
    let (_, grant) = world.create(&bytes).await;
    let (_, other) = world.create(&[bytes.as_slice(), b"x"].concat()).await;
    let (path, query) = grant.url.split_once('?').unwrap();
    let (other_path, _) = other.url.split_once('?').unwrap();
    let without_sig = query.split('&').filter(|p| !p.starts_with("sig=")).collect::<Vec<_>>().join("&");
    let block = |url: String| format!("{url}&comp=block&blockid={}", id(0));
    for (name, url, refusal) in [
        ("another song's blob", block(format!("{other_path}?{query}")), 403),
        ("longer life", block(format!("{path}?{}", query.replacen("se=2", "se=3", 1))), 403),
        ("more permissions", block(format!("{path}?{}", query.replacen("sp=", "sp=rd", 1))), 403),
        ("no signature", block(format!("{path}?{without_sig}")), 401),
        ("nothing", format!("{path}?comp=block&blockid={}", id(0)), 401),
    ] {
        let (status, text) = world.put(&url, b"bytes").await;
        assert_eq!(status, refusal, "{name}: {text}");
        assert!(text.contains("<Code>"), "{name}: {text}");
    }
    assert_eq!(world.get(&grant.url).await.0, 403, "an upload URL does not read");
    assert_eq!(world.http.delete(&grant.url).send().await.unwrap().status(), 403, "nor delete");
    assert_eq!(world.put_block(&grant, 0, &bytes).await, 201, "and still does what it is for");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_good_are_refused_alike() {
    let world = world(&[]).await;
    let good = world.client.access_token().await.unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let claims =
        String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[1]).unwrap())
            .unwrap();
    let admin = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .encode(claims.replace("\"adm\":false", "\"adm\":true").replace("segue", "evil"));
    for token in [
        format!("{none}.{}.", parts[1]),
        format!("{}.{admin}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()),
        "garbage".into(),
        "a.b.c".into(),
        String::new(),
    ] {
        let mut request = Request::new(GetMeRequest {});
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        refused(world.client.identity().get_me(request).await, Code::Unauthenticated, "TOKEN_INVALID");
    }
    refused(world.client.identity().get_me(GetMeRequest {}).await, Code::Unauthenticated, "TOKEN_REQUIRED");

    let mut sign_out = Request::new(SignOutRequest {});
    let bearer: tonic::metadata::MetadataValue<_> = format!("Bearer {good}").parse().unwrap();
    sign_out.metadata_mut().insert("authorization", bearer.clone());
    world.client.identity().sign_out(sign_out).await.unwrap();
    let mut request = Request::new(GetMeRequest {});
    request.metadata_mut().insert("authorization", bearer);
    refused(world.client.identity().get_me(request).await, Code::Unauthenticated, "TOKEN_REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_paths_of_the_edge() {
    let world = world(&[]).await;
    let mut urls = Vec::new();
    for samples in [20_000, 21_000] {
        let file = world.folder.path().join(format!("{samples}.wav"));
        music::sine(samples, 44_100, &file);
        let identity = identify(&file, |_| ()).await.unwrap();
        let song = world.client.upload(&identity, &UploadOptions::default(), &()).await.unwrap().song;
        let request = world.client.request(GetPlaybackRequest { song_id: song.song_id }).await.unwrap();
        urls.push(world.client.songs().get_playback(request).await.unwrap().into_inner().master_url);
    }
    assert_eq!(world.get(&urls[0]).await.0, 200);
    let split = |url: &str| url.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (split(&urls[0]), split(&urls[1]));
    let with = |at: usize, part: &str| {
        let mut parts = a.clone();
        parts[at] = part.to_owned();
        parts.join("/")
    };
    // http: "" host media grant song output master.m3u8
    let mut altered = a[4].clone().into_bytes();
    altered[100] = if altered[100] == b'A' { b'B' } else { b'A' };
    for url in [
        with(4, &b[4]),
        with(5, &b[5]),
        with(6, &b[6]),
        with(4, "x"),
        with(4, &String::from_utf8(altered).unwrap()),
    ] {
        let (status, text) = world.get(&url).await;
        assert_eq!(status, 403, "{url}: {text}");
    }
    let folder = urls[0].trim_end_matches("master.m3u8").to_owned();
    let address = world.up.address().to_owned();
    for path in [
        "..%2f..%2foriginals",
        "%2e%2e/master.m3u8",
        "../../originals/x",
        "aac-64//index.m3u8",
        "master%2em3u8",
        "aac-64/..%5cx",
        "%00",
        "aac-64/00001.m4s/../init.mp4",
        "unknown.txt",
        "aac-64/99999.m4s",
        &"a/".repeat(3000),
    ] {
        // Raw, because a client library would tidy the path up.
        let target = format!("{}{path}", folder.split_once(&address).unwrap().1);
        let status = raw(&address, &target);
        assert!(matches!(status, 400 | 403 | 404 | 414 | 431), "{path}: {status}");
    }
}

/// The status of a GET whose path is sent as it is.
fn raw(address: &str, target: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_pages_and_messages() {
    let world = world(&[]).await;
    for n in 0..3 {
        world.create(format!("song {n}").as_bytes()).await;
    }
    let list = |request: ListSongsRequest| async {
        let request = world.client.request(request).await.unwrap();
        world.client.songs().list_songs(request).await.map(|a| a.into_inner())
    };
    let page = loop {
        let page = list(ListSongsRequest { page_size: 2, ..Default::default() }).await.unwrap();
        if !page.next_page_token.is_empty() {
            break page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let other = ListSongsRequest {
        page_size: 2,
        page_token: page.next_page_token.clone(),
        states: vec![SongState::Ready.into()],
        ..Default::default()
    };
    assert_eq!(list(other).await.unwrap_err().code(), Code::InvalidArgument);
    let next =
        list(ListSongsRequest { page_token: page.next_page_token, ..Default::default() }).await.unwrap();
    assert_eq!((page.songs.len(), next.songs.len()), (2, 1));
    for bad in [
        ListSongsRequest { page_token: "garbage".into(), ..Default::default() },
        ListSongsRequest { page_size: -1, ..Default::default() },
    ] {
        assert_eq!(list(bad).await.unwrap_err().code(), Code::InvalidArgument);
    }

    let huge = CreateSongRequest { filename: "x".repeat(100 << 20), ..Default::default() };
    let request = world.client.request(huge).await.unwrap();
    let status = world.client.songs().create_song(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{}", status.message());

    let unknown = SongId::new().to_string();
    let request = world.client.request(GetSongRequest { song_id: unknown }).await.unwrap();
    assert_eq!(world.client.songs().get_song(request).await.unwrap_err().code(), Code::NotFound);
    let nowhere = Client::new("http://127.0.0.1:1", Arc::new(MemoryCredentials::default())).unwrap();
    assert!(matches!(nowhere.sign_in("a@b.c", "x", "t").await, Err(ClientError::Unreachable { .. })));
}
