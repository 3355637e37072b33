//! Calls go through unchanged.

use crate::rig::{BOTH, Behind, Rig, signed, token};
use segue_gateway::GatewayConfig;
use segue_proto::song::v1::{GetSongRequest, Song, WatchSongRequest};
use std::time::Duration;
use tonic::{Code, Request};
use tonic_types::StatusExt;

fn get(id: &str) -> GetSongRequest {
    GetSongRequest { song_id: id.into() }
}

fn seen(song: &Song, name: &str) -> String {
    let start = format!("{name}=");
    song.artists.iter().find_map(|a| a.strip_prefix(&start)).unwrap().to_owned()
}

#[tokio::test]
async fn unary_calls_and_their_errors_pass() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut songs = rig.songs().await;
        let mut request = Request::new(get("one"));
        request.metadata_mut().insert("segue-consistency", "one@7,two@3".parse().unwrap());
        let answer = songs.get_song(request).await.unwrap();
        assert_eq!(seen(answer.get_ref().song.as_ref().unwrap(), "segue-consistency"), "one@7,two@3");
        assert_eq!(answer.metadata().get("segue-consistency").unwrap(), "token");
        assert_eq!(answer.metadata().get("ratelimit-limit").unwrap(), "1000");
        assert_eq!(answer.metadata().get("ratelimit-remaining").unwrap(), "999");
        assert_eq!(answer.into_inner().song.unwrap().song_id, "one");
        let error = songs.get_song(get("missing")).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{behind:?}");
        assert!(error.message().ends_with("ünïcode survives"), "{}", error.message());
        assert_eq!(error.get_details_error_info().unwrap().reason, "SONG_NOT_FOUND");
    }
}

#[tokio::test]
async fn streams_and_their_errors_pass() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut songs = rig.songs().await;
        let watch = |id: &str| WatchSongRequest { song_id: id.into() };
        let mut stream = songs.watch_song(watch("three")).await.unwrap().into_inner();
        for percent in 0..3 {
            assert_eq!(stream.message().await.unwrap().unwrap().percent, percent);
        }
        assert!(stream.message().await.unwrap().is_none());

        let mut stream = songs.watch_song(watch("fail")).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        assert!(stream.message().await.unwrap().is_some());
        let error = stream.message().await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{behind:?}");
        assert_eq!(error.get_details_error_info().unwrap().reason, "SONG_NOT_FOUND");
    }
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    // Bodies that hide their end make h2 end a connection after a hundred of them.
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let songs = rig.songs().await;
        let rounds = (0..20).map(|_| {
            let mut songs = songs.clone();
            async move {
                for _ in 0..40 {
                    songs.get_song(get("one")).await.unwrap();
                }
            }
        });
        futures::future::join_all(rounds).await;
        assert_eq!(rig.backend.calls(), 800);
    }
}

#[tokio::test]
async fn the_role_sees_what_the_gateway_says_and_not_what_the_client_claims() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut request = signed(get("one"), &token());
        request.set_timeout(Duration::from_secs(7));
        for (name, value) in [("segue-origin", "http://evil"), ("segue-user", "root"), ("x-custom", "kept")] {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        let song = rig.songs().await.get_song(request).await.unwrap().into_inner().song.unwrap();
        assert_eq!(seen(&song, "origin"), rig.url());
        assert_eq!(seen(&song, "segue-user"), "");
        assert_eq!(seen(&song, "x-custom"), "kept");
        assert_eq!(seen(&song, "timeout"), "7000m");
        assert!(seen(&song, "caller").starts_with("Some("), "authorization goes along");
    }
}

#[tokio::test]
async fn a_public_url_is_the_origin() {
    let config = GatewayConfig { public_url: "https://music.example".into(), ..GatewayConfig::default() };
    let rig = Rig::with(Behind::Local, config).await;
    let song = rig.songs().await.get_song(Request::new(get("one"))).await.unwrap().into_inner().song.unwrap();
    assert_eq!(seen(&song, "origin"), "https://music.example");
    assert_eq!(seen(&song, "timeout"), "30000m");
}
