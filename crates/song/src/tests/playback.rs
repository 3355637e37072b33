//! GetPlayback and GetDownload.

use super::world::*;
use crate::SongConfig;
use bytes::Bytes;
use segue_domain::{GrantSigner, GrantVerifier, ObjectName, SongId, UserId};
use segue_mesh::{Caller, ORIGIN_HEADER};
use segue_ports::blob::{BlobStore, Condition};
use segue_proto::song::v1::{song_service_server::SongService, *};
use sha2::{Digest, Sha256};
use tonic::Code;

fn edges(config: &mut SongConfig) {
    config.edges = ["http://one/", "http://two", "http://three"].map(String::from).to_vec();
}

#[tokio::test]
async fn a_grant_names_song_output_and_listener_and_lives_two_hours() {
    for world in worlds_with(edges).await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let output = world.row(id).await.output.unwrap().id;
        let answer = world
            .api
            .get_playback(by(owner, GetPlaybackRequest { song_id: id.to_string() }))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.fallback_urls.len(), 2);
        let mut hosts = Vec::new();
        for url in std::iter::once(&answer.master_url).chain(&answer.fallback_urls) {
            let parts: Vec<_> = url.split('/').collect();
            let [_, _, host, "media", grant, song, out, "master.m3u8"] = parts[..] else { panic!("{url}") };
            assert_eq!((song, out), (id.to_string().as_str(), output.to_string().as_str()));
            let verifier = GrantVerifier::new(&[GrantSigner::from_seed(&[7; 32]).public_key()]).unwrap();
            let grant = verifier.verify(grant, NOW).unwrap();
            assert_eq!((grant.song, grant.output, grant.listener), (id, output, Some(owner)));
            assert_eq!(grant.expires.seconds(), NOW.seconds() + 7200);
            hosts.push(host.to_owned());
        }
        hosts.sort();
        assert_eq!(hosts, ["one", "three", "two"]);
        assert_eq!(answer.expire_time.unwrap().seconds, NOW.seconds() + 7200);
    }
}

#[tokio::test]
async fn without_edges_urls_lead_where_the_caller_came_from() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let mut request = by(owner, GetPlaybackRequest { song_id: id.to_string() });
        request.metadata_mut().insert(ORIGIN_HEADER, "http://192.168.1.7:4420".parse().unwrap());
        let answer = world.api.get_playback(request).await.unwrap().into_inner();
        assert!(answer.master_url.starts_with("http://192.168.1.7:4420/media/"), "{}", answer.master_url);
        assert!(answer.fallback_urls.is_empty());
    }
    for world in worlds_with(|c| c.public_url = Some("https://music.example".into())).await {
        let owner = UserId::new();
        let made = world.api.create_song(by(owner, request(5))).await.unwrap().into_inner();
        assert!(made.upload.unwrap().url.starts_with("https://music.example/"));
        let id = world.ready(owner).await;
        let song = world
            .api
            .get_song(by(owner, GetSongRequest { song_id: id.to_string() }))
            .await
            .unwrap()
            .into_inner();
        let covers = song.song.unwrap().covers;
        assert_eq!(covers.iter().map(|c| c.px).collect::<Vec<_>>(), [96, 320]);
        assert!(
            covers[0].url.starts_with("https://music.example/media/")
                && covers[0].url.ends_with("/cover-96.jpg")
        );
    }
}

async fn put_manifest(world: &World, id: SongId) -> &'static str {
    let output = world.row(id).await.output.unwrap().id;
    let manifest = r#"{"version":1,"song":"x","new_field":{},"rungs":[{"name":"aac-128","playlist":"aac-128/index.m3u8","codec":"mp4a.40.2",
        "init":{"name":"aac-128/init.mp4","bytes":2,"sha256":"aa"},
        "segments":[{"name":"aac-128/00001.m4s","bytes":10,"sha256":"bb","duration_ms":6000},{"name":"aac-128/00002.m4s","bytes":8,"sha256":"cc","duration_ms":5}]}]}"#;
    let playlist = "#EXTM3U\n";
    for (name, text) in [("manifest.json", manifest), ("aac-128/index.m3u8", playlist)] {
        let object = ObjectName::media(id, output, name).unwrap();
        world.blob.put(&object, "", Bytes::from_static(text.as_bytes()), Condition::Always).await.unwrap();
    }
    playlist
}

#[tokio::test]
async fn a_download_lists_every_file_of_the_best_rung_that_is_no_larger_than_the_original() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let get = |rung: &str| {
            world
                .api
                .get_download(by(owner, GetDownloadRequest { song_id: id.to_string(), rung: rung.into() }))
        };
        fails(get("").await, Code::Unavailable, "BLOB_STORE_UNAVAILABLE");
        let playlist = put_manifest(&world, id).await;
        let answer = get("").await.unwrap().into_inner();
        assert_eq!(answer.rung.unwrap().name, "aac-128", "flac has 90 bytes, the original 25");
        let names: Vec<_> = answer.files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(
            names,
            ["aac-128/init.mp4", "aac-128/00001.m4s", "aac-128/00002.m4s", "aac-128/index.m3u8"]
        );
        assert_eq!(answer.files[3].sha256, hex::encode(Sha256::digest(playlist)));
        assert_eq!(answer.total_bytes, 20 + playlist.len() as u64);
        assert!(answer.base_url.ends_with('/'));
        let status = fails(get("opus").await, Code::InvalidArgument, "FIELD_INVALID");
        assert!(status.message().contains("aac-64, aac-128, flac"), "{}", status.message());
        let answer = get("flac").await.unwrap().into_inner();
        assert_eq!(answer.rung.unwrap().name, "aac-128", "a choice is no larger than the original either");
        fails(get("aac-64").await, Code::Internal, "INTERNAL");
    }
}

#[tokio::test]
async fn anyone_plays_what_is_public_without_an_account() {
    for world in worlds().await {
        let owner = UserId::new();
        let id = world.ready(owner).await;
        let song =
            Song { song_id: id.to_string(), visibility: Visibility::Public.into(), ..Default::default() };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["visibility".into()] });
        world.api.update_song(by(owner, UpdateSongRequest { song: Some(song), update_mask })).await.unwrap();
        let answer = world
            .api
            .get_playback(as_caller(&Caller::Anonymous, GetPlaybackRequest { song_id: id.to_string() }))
            .await;
        assert!(answer.is_ok());
    }
}
