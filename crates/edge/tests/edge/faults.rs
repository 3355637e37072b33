//! An origin that fails.

use crate::{
    origin::{Asked, Fault, PIECE},
    rig::{Rig, audio},
};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use segue_edge::EdgeConfig;
use std::{future::IntoFuture, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const NAME: &str = "flac/00001.m4s";

fn ways() -> [fn(&mut EdgeConfig); 2] {
    [|_| {}, |config| config.memory_object_bytes = 0]
}

#[tokio::test]
async fn a_body_that_breaks_off_is_continued_where_it_stopped() {
    for way in ways() {
        for fault in [Fault::Reset(45_000), Fault::Short(45_000), Fault::Stall(45_000)] {
            let rig = Rig::with(way).await;
            rig.put(NAME, audio(100_000));
            rig.origin.fail(&[fault]);
            let path = rig.path(NAME);
            let bodies = futures::future::join_all((0..20).map(|_| rig.send(Method::GET, &path, &[]))).await;
            assert!(bodies.iter().all(|b| b.body == audio(100_000)), "{fault:?}");
            let asked = rig.origin.asked();
            assert_eq!(asked.len(), 2, "one request, and one more for the failure");
            let rest =
                Asked { range: Some(45_000..100_000), if_match: Some("\"0x8D\"".into()), ..asked[0].clone() };
            assert_eq!(asked[1], rest);
            // What is kept is right too.
            assert_eq!((rig.get(NAME).await.body, rig.origin.gets()), (audio(100_000), 2));
        }
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_continued_breaks_the_answer_and_is_not_kept() {
    for way in ways() {
        for faults in [
            vec![Fault::Reset(45_000), Fault::Replaced],
            vec![Fault::Reset(45_000), Fault::Down, Fault::Down],
            vec![Fault::Reset(1), Fault::Reset(1), Fault::Reset(1)],
        ] {
            let rig = Rig::with(way).await;
            rig.put(NAME, audio(100_000));
            rig.origin.fail(&faults);
            let answer = rig.begin(Method::GET, &rig.path(NAME), &[]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(answer.into_body().collect().await.is_err(), "{faults:?}");
            assert_eq!(rig.files().len(), 0);
            assert_eq!(rig.get(NAME).await.body, audio(100_000), "{faults:?}");
        }
        let rig = Rig::with(way).await;
        rig.put(NAME, audio(PIECE * 2));
        rig.origin.fail(&[Fault::Long]);
        // Bytes behind the end are never read, so they hurt nobody.
        assert_eq!(rig.get(NAME).await.body, audio(PIECE * 2));
    }
}

#[tokio::test]
async fn a_broken_answer_never_looks_whole_on_the_wire() {
    let rig = Rig::new().await;
    rig.put(NAME, audio(100_000));
    rig.origin.fail(&[Fault::Reset(45_000), Fault::Replaced]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, rig.router.clone()).into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: edge\r\n\r\n", rig.path(NAME));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server closes the connection by itself, or this would never end.
    let _ =
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.expect("closed");
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("content-length: 100000"),
        "promised 100000 bytes"
    );
    assert!(answer.len() < 60_000, "sent {}", answer.len());
    server.abort();
}

#[tokio::test]
async fn an_origin_that_is_down_is_503_until_it_is_back() {
    let rig = Rig::new().await;
    rig.put(NAME, audio(1000));
    rig.put("flac/00002.m4s", audio(2000));
    assert_eq!(rig.get("flac/00002.m4s").await.status, StatusCode::OK);
    rig.origin.fail(&[Fault::Down, Fault::Silent, Fault::Down]);
    let path = rig.path(NAME);
    for answer in futures::future::join_all((0..20).map(|_| rig.send(Method::GET, &path, &[]))).await {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((answer.header("retry-after"), answer.header("cache-control")), ("1", "no-store"));
    }
    // What is cached never needs the origin.
    rig.origin.fail(&[Fault::Down; 10]);
    assert_eq!(rig.get("flac/00002.m4s").await.body, audio(2000));
    assert_eq!(rig.origin.gets(), 4);
    rig.origin.fail(&[]);
    for _ in 0..4 {
        rig.get(NAME).await;
    }
    assert_eq!(rig.get(NAME).await.body, audio(1000));
}

#[tokio::test]
async fn one_failed_request_is_not_noticed() {
    let rig = Rig::new().await;
    rig.put(NAME, audio(1000));
    rig.origin.fail(&[Fault::Down]);
    assert_eq!((rig.get(NAME).await.body, rig.origin.gets()), (audio(1000), 2));
}

#[tokio::test]
async fn a_missing_object_is_404_and_asked_for_again_only_after_seconds() {
    let rig = Rig::new().await;
    for _ in 0..5 {
        let answer = rig.get(NAME).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::NOT_FOUND, "no-store"));
    }
    assert_eq!(rig.origin.gets(), 1);
    rig.put(NAME, audio(10));
    rig.clock.advance(Duration::from_secs(5));
    assert_eq!(rig.get(NAME).await.body, audio(10));
}

#[tokio::test]
async fn no_listener_waits_longer_than_agreed() {
    let rig = Rig::with(|c| (c.first_byte_timeout_ms, c.wait_timeout_ms) = (60_000, 100)).await;
    rig.put(NAME, audio(1000));
    rig.origin.fail(&[Fault::Silent]);
    let answer =
        tokio::time::timeout(Duration::from_secs(10), rig.get(NAME)).await.expect("a deadline holds");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);

    // In the middle of a body, the time of the whole fill is the limit.
    let rig = Rig::with(|c| (c.idle_timeout_ms, c.fill_timeout_ms) = (60_000, 200)).await;
    rig.put(NAME, audio(100_000));
    rig.origin.fail(&[Fault::Stall(30_000)]);
    let body = rig.begin(Method::GET, &rig.path(NAME), &[]).await.into_body();
    assert!(
        tokio::time::timeout(Duration::from_secs(10), body.collect())
            .await
            .expect("a deadline holds")
            .is_err()
    );
}

#[tokio::test]
async fn an_object_that_is_too_large_is_refused() {
    let rig = Rig::with(|c| c.max_object_bytes = 1000).await;
    rig.put(NAME, audio(1001));
    assert_eq!(rig.get(NAME).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(rig.origin.gets(), 1);
}
