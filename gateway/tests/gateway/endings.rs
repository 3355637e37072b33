//! Calls that do not end as they should.

use crate::rig::{BOTH, Behind, Rig};
use segue_gateway::GatewayConfig;
use segue_proto::song::v1::{GetSongRequest, WatchSongRequest};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

fn get(id: &str) -> GetSongRequest {
    GetSongRequest { song_id: id.into() }
}

fn watch(id: &str) -> WatchSongRequest {
    WatchSongRequest { song_id: id.into() }
}

/// By the gateway: tonic's own client says CANCELLED when it gives up first.
fn is_late(error: &Status) {
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error:?}");
    assert_eq!(error.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_one() {
    for behind in BOTH {
        let config = GatewayConfig { default_deadline_ms: 150, ..GatewayConfig::default() };
        let rig = Rig::with(behind, config).await;
        let begin = Instant::now();
        is_late(&rig.songs().await.get_song(get("hang")).await.unwrap_err());
        assert!(begin.elapsed() < Duration::from_secs(3));
        rig.at_rest().await;
    }
}

#[tokio::test]
async fn a_long_deadline_is_shortened() {
    let config = GatewayConfig { default_deadline_ms: 100, max_deadline_ms: 150, ..GatewayConfig::default() };
    let rig = Rig::with(Behind::Local, config).await;
    let mut request = Request::new(get("hang"));
    request.set_timeout(Duration::from_secs(3600));
    is_late(&rig.songs().await.get_song(request).await.unwrap_err());
    rig.at_rest().await;
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_it_was_given_and_has_none_otherwise() {
    for behind in BOTH {
        let config = GatewayConfig { default_deadline_ms: 100, ..GatewayConfig::default() };
        let rig = Rig::with(behind, config).await;
        // Sent by hand: tonic's client would end the call itself.
        let mut request = Request::new(watch("endless"));
        request.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
        let mut stream = rig.songs().await.watch_song(request).await.unwrap().into_inner();
        let error = loop {
            match stream.message().await {
                Ok(item) => assert!(item.is_some()),
                Err(error) => break error,
            }
        };
        is_late(&error);
        rig.at_rest().await;

        let mut stream = rig.songs().await.watch_song(watch("endless")).await.unwrap().into_inner();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(300) {
            assert!(stream.message().await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_stops_the_service() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut songs = rig.songs().await;
        let mut stream = songs.watch_song(watch("endless")).await.unwrap().into_inner();
        stream.message().await.unwrap();
        let mut other = songs.clone();
        let hanging = tokio::spawn(async move { other.get_song(get("hang")).await });
        while rig.backend.at_work.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(stream);
        hanging.abort();
        rig.at_rest().await;
    }
}

#[tokio::test]
async fn a_panic_is_that_calls_fault_alone() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut songs = rig.songs().await;
        let error = songs.get_song(get("panic")).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{behind:?}");
        assert!(!error.message().contains("panic"), "{}", error.message());
        let mut stream = songs.watch_song(watch("panic")).await.unwrap().into_inner();
        let error = loop {
            match stream.message().await {
                Ok(item) => assert!(item.is_some()),
                Err(error) => break error,
            }
        };
        // Over the network a stream that panics looks like a broken connection.
        let wanted = if behind == Behind::Local { Code::Internal } else { Code::Unavailable };
        assert_eq!(error.code(), wanted, "{error:?}");
        songs.get_song(get("one")).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_is_gone_is_unavailable() {
    let mut rig = Rig::start(Behind::Remote).await;
    let mut songs = rig.songs().await;
    let mut stream = songs.watch_song(watch("endless")).await.unwrap().into_inner();
    stream.message().await.unwrap();
    rig.kill_services();
    let error = loop {
        match stream.message().await {
            Ok(item) => assert!(item.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    let error = songs.get_song(get("one")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert!(error.get_error_details().retry_info().is_some());
}

#[tokio::test]
async fn one_call_too_many_is_refused_at_once() {
    let config = GatewayConfig { max_concurrent_calls: 1, ..GatewayConfig::default() };
    let rig = Rig::with(Behind::Local, config).await;
    let mut songs = rig.songs().await;
    let mut other = songs.clone();
    let hanging = tokio::spawn(async move { other.get_song(get("hang")).await });
    while rig.backend.calls() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = songs.get_song(get("one")).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert_eq!(error.get_details_error_info().unwrap().reason, "OVERLOADED");
    hanging.abort();
    rig.at_rest().await;
    songs.get_song(get("one")).await.unwrap();
}
