//! Many listeners, one fill.

use crate::{
    origin::PIECE,
    rig::{Rig, audio, until},
};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use segue_edge::EdgeConfig;
use std::time::Duration;
use tokio::time::timeout;

/// Both ways a body can come: through memory, and (no memory allowed) through a file.
fn ways() -> [fn(&mut EdgeConfig); 2] {
    [|_| {}, |config| config.memory_object_bytes = 0]
}

#[tokio::test]
async fn five_hundred_listeners_cost_one_origin_request_and_see_bytes_before_the_end() {
    for way in ways() {
        let rig = Rig::with(way).await;
        let song = audio(160_000);
        rig.put("aac-256/00001.m4s", song.clone());
        let gate = rig.origin.gate();
        let path = rig.path("aac-256/00001.m4s");

        gate.add_permits(1);
        let requests = (0..500).map(|_| rig.begin(Method::GET, &path, &[]));
        let mut bodies: Vec<_> =
            futures::future::join_all(requests).await.into_iter().map(|r| r.into_body()).collect();
        // Fifteen of sixteen pieces have not even left the origin.
        for body in &mut bodies {
            let frame =
                timeout(Duration::from_secs(10), body.frame()).await.expect("streamed").unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), song.slice(..PIECE));
        }
        gate.add_permits(15);
        for body in bodies {
            assert_eq!(body.collect().await.unwrap().to_bytes(), song.slice(PIECE..));
        }
        assert_eq!(rig.origin.gets(), 1);
        let answer = rig.get("aac-256/00001.m4s").await;
        assert_eq!((answer.body, rig.origin.gets()), (song, 1));
    }
}

#[tokio::test]
async fn the_fill_goes_on_when_its_first_listener_leaves() {
    for way in ways() {
        let rig = Rig::with(way).await;
        rig.put("aac-256/00001.m4s", audio(160_000));
        let gate = rig.origin.gate();
        gate.add_permits(2);
        let first = rig.begin(Method::GET, &rig.path("aac-256/00001.m4s"), &[]).await;
        let second = rig.begin(Method::GET, &rig.path("aac-256/00001.m4s"), &[]).await;
        assert_eq!(second.headers()["x-cache"], "JOINED");
        drop(first);
        gate.add_permits(14);
        assert_eq!(second.into_body().collect().await.unwrap().to_bytes(), audio(160_000));

        rig.put("aac-256/00002.m4s", audio(50_000));
        drop(rig.begin(Method::GET, &rig.path("aac-256/00002.m4s"), &[]).await);
        gate.add_permits(5);
        rig.stored(2).await;
        assert_eq!(rig.get("aac-256/00002.m4s").await.body, audio(50_000));
        assert_eq!(rig.origin.gets(), 2);
    }
}

#[tokio::test]
async fn a_large_fill_that_nobody_waits_for_is_given_up() {
    let rig = Rig::with(|c| c.abandoned_bytes = 60_000).await;
    rig.put("flac/00001.m4s", audio(200_000));
    let gate = rig.origin.gate();
    drop(rig.begin(Method::GET, &rig.path("flac/00001.m4s"), &[]).await);
    gate.add_permits(100);
    // The next listener begins anew and gets everything.
    assert_eq!(rig.get("flac/00001.m4s").await.body, audio(200_000));
    assert!(gate.available_permits() > 100 - 40, "the first fill did not run to its end");
}

#[tokio::test]
async fn a_listener_who_does_not_read_holds_up_nobody() {
    for way in ways() {
        let rig = Rig::with(way).await;
        rig.put("flac/00001.m4s", audio(800_000));
        let slow = rig.begin(Method::GET, &rig.path("flac/00001.m4s"), &[]).await;
        assert_eq!(rig.get("flac/00001.m4s").await.body, audio(800_000));
        assert_eq!(slow.into_body().collect().await.unwrap().to_bytes(), audio(800_000));
        assert_eq!(rig.origin.gets(), 1);
    }
}

#[tokio::test]
async fn a_range_waits_only_for_its_own_bytes() {
    let rig = Rig::new().await;
    rig.put("flac/00001.m4s", audio(100_000));
    let gate = rig.origin.gate();
    gate.add_permits(3);
    let answer = rig.get_with("flac/00001.m4s", &[("range", "bytes=5000-24999")]).await;
    assert_eq!(
        (answer.status, answer.body),
        (StatusCode::PARTIAL_CONTENT, audio(100_000).slice(5000..25_000))
    );
}

#[tokio::test]
async fn the_next_segment_is_fetched_ahead_and_the_end_is_found_once() {
    let rig = Rig::with(|c| c.prefetch_fills = 4).await;
    for n in 1..=3 {
        rig.put(&format!("aac-128/{n:05}.m4s"), audio(1000 + n));
    }
    rig.put("aac-128/init.mp4", audio(700));
    rig.get("aac-128/init.mp4").await;
    for n in 1..=3 {
        rig.stored(n + 1).await;
        let answer = rig.get(&format!("aac-128/{n:05}.m4s")).await;
        assert_eq!((answer.header("x-cache"), answer.body.clone()), ("HIT", audio(1000 + n)));
    }
    // Five requests: the three segments, the init file, and one for what is behind the end.
    until(|| rig.origin.gets() == 5).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.clock.advance(Duration::from_secs(60));
    rig.get("aac-128/00003.m4s").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(rig.origin.gets(), 5);
}
