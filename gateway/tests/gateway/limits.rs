//! Rate limits as a client meets them.

use crate::{
    rig::{Behind, Rig, signed, token},
    web::send,
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use segue_gateway::{BudgetConfig, GatewayConfig, LimitsConfig};
use segue_proto::{
    identity::v1::{GetMeRequest, SignInRequest},
    song::v1::{GetSongRequest, UpdateSongRequest, WatchSongRequest},
};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt;

fn limited() -> GatewayConfig {
    let limits = LimitsConfig {
        read: BudgetConfig { per_second: 0.5, burst: 6 },
        write: BudgetConfig { per_second: 10.0, burst: 1 },
        credential: BudgetConfig { per_second: 0.1, burst: 2 },
    };
    GatewayConfig { limits, ..GatewayConfig::default() }
}

#[tokio::test]
async fn a_greedy_user_is_told_how_long_to_wait_and_others_are_not_touched() {
    let rig = Rig::with(Behind::Local, limited()).await;
    let mut identity = rig.identity().await;
    let (greedy, other) = (token(), token());
    for left in (0..6).rev() {
        let answer = identity.get_me(signed(GetMeRequest {}, &greedy)).await.unwrap();
        assert_eq!(answer.metadata().get("ratelimit-remaining").unwrap(), left.to_string().as_str());
    }
    let error = identity.get_me(signed(GetMeRequest {}, &greedy)).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    let details = error.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "RATE_LIMITED");
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_millis(1000) && wait <= Duration::from_secs(2), "{wait:?}");
    assert!(
        error.message().starts_with("too many reads from this account: 0.5 per second and 6 at once"),
        "{}",
        error.message()
    );
    for (name, value) in [("ratelimit-limit", "6"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "2")] {
        assert_eq!(error.metadata().get(name).unwrap(), value);
    }
    assert_eq!(rig.backend.calls(), 6);
    identity.get_me(signed(GetMeRequest {}, &other)).await.unwrap();
    rig.songs().await.update_song(signed(UpdateSongRequest::default(), &greedy)).await.unwrap();
}

#[tokio::test]
async fn waiting_as_told_is_enough() {
    let rig = Rig::with(Behind::Local, limited()).await;
    let mut songs = rig.songs().await;
    let user = token();
    songs.update_song(signed(UpdateSongRequest::default(), &user)).await.unwrap();
    let error = songs.update_song(signed(UpdateSongRequest::default(), &user)).await.unwrap_err();
    let wait = error.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    tokio::time::sleep(wait + Duration::from_millis(1)).await;
    songs.update_song(signed(UpdateSongRequest::default(), &user)).await.unwrap();
}

#[tokio::test]
async fn a_stream_counts_once() {
    let rig = Rig::with(Behind::Local, limited()).await;
    let mut songs = rig.songs().await;
    let user = token();
    // Costs 5 of 6, however many messages come.
    let mut stream = songs
        .watch_song(signed(WatchSongRequest { song_id: "three".into() }, &user))
        .await
        .unwrap()
        .into_inner();
    while stream.message().await.unwrap().is_some() {}
    let get = || signed(GetSongRequest { song_id: "one".into() }, &user);
    songs.get_song(get()).await.unwrap();
    assert_eq!(songs.get_song(get()).await.unwrap_err().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn guessing_costs_the_address_that_guesses() {
    let rig = Rig::with(Behind::Local, limited()).await;
    let mut identity = rig.identity().await;
    for user in [token(), token()] {
        identity.sign_in(signed(SignInRequest::default(), &user)).await.unwrap();
    }
    let error = identity.sign_in(signed(SignInRequest::default(), &token())).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.message().contains("sign-ins and sign-ups from this address"), "{}", error.message());
    // Bad tokens are paid for by the address as well.
    for _ in 0..6 {
        assert_eq!(
            identity.get_me(signed(GetMeRequest {}, "a.b.c")).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }
    assert_eq!(
        identity.get_me(signed(GetMeRequest {}, "a.b.c")).await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    identity.get_me(signed(GetMeRequest {}, &token())).await.unwrap();
}

#[tokio::test]
async fn forwarded_addresses_count_only_when_trusted() {
    for trust_forwarded in [false, true] {
        let rig = Rig::with(Behind::Local, GatewayConfig { trust_forwarded, ..limited() }).await;
        let mut refused = false;
        for i in 0..8 {
            let request = Request::post("/segue.song.v1.SongService/GetSong")
                .header("content-type", "application/grpc-web+proto")
                .header("x-forwarded-for", format!("192.0.2.{i}"))
                .body(Full::new(Bytes::from_static(&[0; 5])))
                .unwrap();
            let answer = send(rig.address, request).await;
            refused |= answer.headers().get("grpc-status").is_some_and(|s| s == "8");
        }
        assert_eq!(refused, !trust_forwarded);
    }
}
