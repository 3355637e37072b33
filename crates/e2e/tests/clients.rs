//! Clients that nobody here wrote: Azure's SDK, grpcio, buf curl, connect over gRPC-Web.

use segue_client::{
    Client, MemoryCredentials, Patience,
    proto::song::v1::{CompleteUploadRequest, CreateSongRequest, SongState},
};
use segue_e2e::{
    cli::Cli,
    foreign, music,
    world::{Server, World},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn azures_sdk_uploads_to_the_signed_url() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("music.wav");
    music::cut(&music::vorbis("hyperrogue-music", 44_100), 20.0, 30.0, &file, &["-c:a", "pcm_s16le"]);
    let bytes = std::fs::read(&file).unwrap();
    let world = World::start();
    let client = Client::new(world.url(), Arc::new(MemoryCredentials::default())).unwrap();
    client.sign_in(world.email(), world.password(), "test").await.unwrap();
    let request = CreateSongRequest {
        filename: "music.wav".into(),
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        ..Default::default()
    };
    let created =
        client.songs().create_song(client.request(request).await.unwrap()).await.unwrap().into_inner();
    let (song, grant) = (created.song.unwrap(), created.upload.unwrap());

    let done = foreign::python("azure_upload.py", &[&grant.url, file.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let request = client.request(CompleteUploadRequest { song_id: song.song_id.clone() }).await.unwrap();
    client.songs().complete_upload(request).await.unwrap();
    let song = client.watch(&song.song_id, Patience(Duration::from_secs(60)), |_, _| ()).await.unwrap();
    assert_eq!(song.state(), SongState::Ready, "{song:?}");
}

fn one_song(world: &World) -> (Cli, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("A tone.wav");
    music::sine(44_100, 44_100, &file);
    let user = Cli::signed_in(world);
    let id = user.upload(&[&file])[0]["song_id"].as_str().unwrap().to_owned();
    (user, id)
}

#[test]
fn grpcio_learns_everything_by_reflection() {
    let world = World::start();
    let (_, song) = one_song(&world);
    let done = foreign::python("grpc_user.py", &[world.address(), world.email(), world.password(), &song]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let services = report["services"].as_array().unwrap();
    for name in [
        "segue.song.v1.SongService",
        "segue.identity.v1.IdentityService",
        "segue.encoder.v1.EncoderService",
        "grpc.health.v1.Health",
    ] {
        assert!(services.contains(&json!(name)), "{name} in {report}");
    }
    assert_eq!((&report["me"], &report["title"]), (&json!(world.email()), &json!("A tone")));
    assert_eq!(report["watched"], json!([4]), "READY, and the stream ends");
    assert_eq!(report["anonymous"]["code"], "UNAUTHENTICATED");
    assert_eq!(report["bad_token"]["code"], "UNAUTHENTICATED");
    assert_eq!(report["bad_id"]["code"], "INVALID_ARGUMENT");
    let details = report["bad_id"]["details"].as_array().unwrap();
    assert!(details.iter().any(|d| d["type"] == "ErrorInfo" && d["domain"] == "segue"), "{report}");
    assert!(
        details.iter().any(|d| d["type"] == "BadRequest" && d["fieldViolations"][0]["field"] == "song_id"),
        "{report}"
    );
    assert!(report["health"].as_object().unwrap().values().all(|v| v == 1), "{report}");
}

#[test]
fn buf_curl_lists_describes_and_calls() {
    let world = World::start();
    let (_, song) = one_song(&world);
    let url = |method: &str| format!("{}/{method}", world.url());
    let call = |method: &str, data: &str, more: &[&str]| {
        let url = url(method);
        let mut args = vec!["curl", "--http2-prior-knowledge", "--protocol", "grpc", "--data", data];
        args.extend(more);
        args.push(&url);
        foreign::buf(&args)
    };
    let listed = foreign::buf(&[
        "curl",
        "--http2-prior-knowledge",
        "--protocol",
        "grpc",
        "--list-methods",
        world.url(),
    ]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        text.contains("segue.song.v1.SongService/GetPlayback"),
        "{text} {}",
        String::from_utf8_lossy(&listed.stderr)
    );

    let credentials = json!({"email": world.email(), "password": world.password()}).to_string();
    let signed_in = call("segue.identity.v1.IdentityService/SignIn", &credentials, &[]);
    let answer: Value = serde_json::from_slice(&signed_in.stdout).unwrap();
    let header = format!("authorization: Bearer {}", answer["tokens"]["accessToken"].as_str().unwrap());
    let id = json!({"songId": song}).to_string();
    let played = call("segue.song.v1.SongService/GetPlayback", &id, &["-H", &header]);
    let answer: Value = serde_json::from_slice(&played.stdout).unwrap();
    assert_eq!(music::samples(answer["masterUrl"].as_str().unwrap(), 2), 44_100);

    let refused = call("segue.song.v1.SongService/GetSong", "{\"songId\": \"nonsense\"}", &["-H", &header]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && text.contains("invalid_argument") && text.contains("ErrorInfo"),
        "{text}"
    );
}

#[test]
fn connect_speaks_grpc_web_from_node() {
    let world = World::start();
    let (_, song) = one_song(&world);
    let folder = tempfile::tempdir().unwrap();
    let descriptors = folder.path().join("segue.fds.bin");
    std::fs::write(&descriptors, segue_client::proto::FILE_DESCRIPTOR_SET).unwrap();
    let job = json!({
        "url": world.url(), "email": world.email(), "password": world.password(), "descriptors": descriptors, "song": song,
    });
    let report = foreign::node("web.mjs", &job);
    for version in ["1.1", "2"] {
        let seen = &report[version];
        assert_eq!(
            (&seen["anonymous"], &seen["title"]),
            (&json!("Unauthenticated"), &json!("A tone")),
            "{report}"
        );
        assert_eq!((&seen["email"], &seen["watched"]), (&json!(world.email()), &json!([4])), "{report}");
        assert_eq!(seen["bad"]["code"], "InvalidArgument", "{report}");
        assert!(
            seen["bad"]["details"].as_array().unwrap().contains(&json!("google.rpc.ErrorInfo")),
            "{report}"
        );
        assert!(music::samples(seen["master_url"].as_str().unwrap(), 2) == 44_100);
    }
}
