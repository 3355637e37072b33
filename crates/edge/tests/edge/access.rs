//! Who may fetch what.

use crate::rig::{Rig, audio, clock_time};
use http::{Method, StatusCode};
use segue_domain::{Grant, GrantSigner, OutputId, SongId};
use std::time::Duration;

#[tokio::test]
async fn a_grant_opens_its_song_only_and_only_in_time() {
    let rig = Rig::new().await;
    rig.put("aac-128/00001.m4s", audio(100));
    assert_eq!(rig.get("aac-128/00001.m4s").await.status, StatusCode::OK);

    let grant = |signer: &GrantSigner, song, output, seconds| {
        signer.sign(&Grant { song, output, listener: None, expires: clock_time(seconds) })
    };
    let mut altered = rig.grant.clone().into_bytes();
    altered[80] = if altered[80] == b'A' { b'B' } else { b'A' };
    let other_key = GrantSigner::from_seed(&[6; 32]);
    for (what, grant) in [
        ("another song", grant(&rig.signer, SongId::new(), rig.output, 7200)),
        ("another output", grant(&rig.signer, rig.song, OutputId::new(), 7200)),
        ("another key", grant(&other_key, rig.song, rig.output, 7200)),
        ("altered", String::from_utf8(altered).unwrap()),
        ("cut", rig.grant[..100].to_owned()),
        ("garbage", "x".to_owned()),
        ("expired", grant(&rig.signer, rig.song, rig.output, 0)),
    ] {
        let path = format!("/media/{grant}/{}/{}/aac-128/00001.m4s", rig.song, rig.output);
        let answer = rig.send(Method::GET, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "a page must see the 403: {what}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.contains("ask for a new one with GetPlayback"), "{what}: {text}");
    }

    // The same grant, once its time is over, though it was verified and the object is cached.
    rig.clock.advance(Duration::from_secs(7200));
    let answer = rig.get("aac-128/00001.m4s").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(String::from_utf8(answer.body.to_vec()).unwrap().contains("expired"));
    assert_eq!(rig.origin.gets(), 1);
}

#[tokio::test]
async fn a_new_grant_gets_the_same_cached_bytes() {
    let rig = Rig::new().await;
    rig.put("aac-128/00001.m4s", audio(100));
    rig.get("aac-128/00001.m4s").await;
    let expires = clock_time(9000);
    let other = rig.signer.sign(&Grant { song: rig.song, output: rig.output, listener: None, expires });
    let path = rig.path("aac-128/00001.m4s").replace(&rig.grant, &other);
    let answer = rig.send(Method::GET, &path, &[]).await;
    assert_eq!(
        (answer.status, answer.header("x-cache"), answer.body.clone()),
        (StatusCode::OK, "HIT", audio(100))
    );
    assert_eq!(rig.origin.gets(), 1);
}

#[tokio::test]
async fn paths_outside_the_grammar_never_reach_the_origin() {
    let rig = Rig::new().await;
    let base = format!("/media/{}/{}/{}", rig.grant, rig.song, rig.output);
    for (path, want) in [
        (format!("{base}/../../../originals/{}/x", rig.song), 400),
        (format!("{base}/..%2f..%2foriginals"), 400),
        (format!("{base}/%2e%2e/master.m3u8"), 400),
        (format!("{base}/%6daster.m3u8"), 400),
        (format!("{base}/aac-128%2f00001.m4s"), 400),
        (format!("{base}//master.m3u8"), 400),
        (format!("{base}/./master.m3u8"), 400),
        (format!("{base}/master.m3u8/"), 400),
        (format!("{base}/aac-128\\00001.m4s"), 400),
        (format!("{base}/master.m3u8%00.jpg"), 400),
        (format!("{base}/{}", "a/".repeat(400)), 400),
        (format!("/media//{}/{}/master.m3u8", rig.song, rig.output), 400),
        (format!("{base}/originals"), 404),
        (format!("{base}/aac-128/1.m4s"), 404),
        (format!("{base}/AAC/init.mp4"), 404),
        (format!("/media/{}/{}/master.m3u8", rig.grant, rig.song), 404),
        (format!("/media/{}/not-an-id/{}/master.m3u8", rig.grant, rig.output), 404),
        (format!("/originals/{}/x", rig.song), 404),
    ] {
        let answer = rig.send(Method::GET, &path, &[]).await;
        assert_eq!(answer.status.as_u16(), want, "{path}");
    }
    assert_eq!(rig.origin.gets(), 0);
}

#[tokio::test]
async fn a_query_changes_nothing() {
    let rig = Rig::new().await;
    rig.put("master.m3u8", "#EXTM3U\n");
    let path = rig.path("master.m3u8") + "?CMCD=bl%3D1000";
    assert_eq!(rig.send(Method::GET, &path, &[]).await.body, "#EXTM3U\n");
}
