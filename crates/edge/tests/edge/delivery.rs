//! What an answer looks like.

use crate::rig::{Rig, audio};
use http::{Method, StatusCode};
use std::io::Read;

#[tokio::test]
async fn every_kind_of_object_has_its_type_and_lives_for_ever() {
    let rig = Rig::new().await;
    for (name, kind) in [
        ("master.m3u8", "application/vnd.apple.mpegurl"),
        ("aac-128/index.m3u8", "application/vnd.apple.mpegurl"),
        ("aac-128/init.mp4", "audio/mp4"),
        ("aac-128/00001.m4s", "audio/mp4"),
        ("cover-320.jpg", "image/jpeg"),
        ("manifest.json", "application/json"),
    ] {
        rig.put(name, audio(1000));
        for cached in ["MISS", "HIT"] {
            let answer = rig.get(name).await;
            assert_eq!((answer.status, &answer.body), (StatusCode::OK, &audio(1000)), "{name}");
            for (header, want) in [
                ("content-type", kind),
                ("content-length", "1000"),
                ("cache-control", "private, max-age=31536000, immutable"),
                ("etag", "\"0x8D\""),
                ("accept-ranges", "bytes"),
                ("access-control-allow-origin", "*"),
                ("timing-allow-origin", "*"),
                ("x-cache", cached),
            ] {
                assert_eq!(answer.header(header), want, "{name} {header}");
            }
            assert!(answer.header("access-control-expose-headers").contains("Content-Range"));
        }
    }
}

#[tokio::test]
async fn ranges_work_on_a_miss_and_on_a_hit() {
    for cached in [false, true] {
        for (range, want) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=25000-34999", Some(25_000..35_000)),
            ("bytes=99990-", Some(99_990..100_000)),
            ("bytes=-5", Some(99_995..100_000)),
            ("bytes=90000-200000", Some(90_000..100_000)),
            ("bytes=0-1,4-5", None),
            ("bytes=x", None),
        ] {
            let rig = Rig::new().await;
            rig.put("flac/00001.m4s", audio(100_000));
            if cached {
                rig.get("flac/00001.m4s").await;
            }
            let answer = rig.get_with("flac/00001.m4s", &[("range", range)]).await;
            match want {
                Some(want) => {
                    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
                    let text = format!("bytes {}-{}/100000", want.start, want.end - 1);
                    assert_eq!(answer.header("content-range"), text);
                    assert_eq!(answer.header("content-length"), want.len().to_string());
                    assert_eq!(answer.body, audio(100_000).slice(want), "{range}");
                }
                None => assert_eq!((answer.status, answer.body), (StatusCode::OK, audio(100_000)), "{range}"),
            }
        }
        let rig = Rig::new().await;
        rig.put("flac/00001.m4s", audio(1000));
        let answer = rig.get_with("flac/00001.m4s", &[("range", "bytes=1000-")]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(answer.header("content-range"), "bytes */1000");
        let headers = [("range", "bytes=1-2"), ("if-range", "\"old\"")];
        assert_eq!(rig.get_with("flac/00001.m4s", &headers).await.body, audio(1000));
        let headers = [("range", "bytes=1-2"), ("if-range", "\"0x8D\"")];
        assert_eq!(rig.get_with("flac/00001.m4s", &headers).await.body, audio(1000).slice(1..3));
    }
}

#[tokio::test]
async fn a_client_that_has_the_object_is_told_so() {
    let rig = Rig::new().await;
    rig.put("cover-96.jpg", audio(1000));
    for _ in 0..2 {
        let answer = rig.get_with("cover-96.jpg", &[("if-none-match", "\"0x8D\"")]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(answer.header("etag"), "\"0x8D\"");
    }
    let answer = rig.get_with("cover-96.jpg", &[("if-match", "\"other\"")]).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn playlists_are_compressed_for_who_takes_it() {
    let rig = Rig::new().await;
    let playlist: String = (1..=3000).map(|n| format!("#EXTINF:6.0,\n{n:05}.m4s\n")).collect();
    rig.put("aac-128/index.m3u8", playlist.clone());
    for _ in 0..2 {
        let answer = rig.get_with("aac-128/index.m3u8", &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        assert_eq!(answer.header("etag"), "\"0x8D-gz\"");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert!(answer.body.len() < playlist.len() / 3);
        let mut text = String::new();
        flate2::read::GzDecoder::new(answer.body.as_ref()).read_to_string(&mut text).unwrap();
        assert_eq!(text, playlist);
    }
    let plain = rig.get("aac-128/index.m3u8").await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "Accept-Encoding"));
    assert_eq!(plain.body, playlist);
    let headers = [("accept-encoding", "gzip"), ("range", "bytes=0-3")];
    let part = rig.get_with("aac-128/index.m3u8", &headers).await;
    assert_eq!((part.header("content-encoding"), part.body.clone()), ("", playlist[..4].to_owned().into()));
    let headers = [("accept-encoding", "gzip"), ("if-none-match", "\"0x8D-gz\"")];
    assert_eq!(rig.get_with("aac-128/index.m3u8", &headers).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(rig.origin.gets(), 1);

    rig.put("aac-128/00001.m4s", audio(100));
    let answer = rig.get_with("aac-128/00001.m4s", &[("accept-encoding", "gzip")]).await;
    assert_eq!((answer.header("content-encoding"), answer.body.clone()), ("", audio(100)));
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let rig = Rig::new().await;
    rig.put("aac-128/00001.m4s", audio(70_000));
    for _ in 0..2 {
        let answer = rig.send(Method::HEAD, &rig.path("aac-128/00001.m4s"), &[("range", "bytes=0-1")]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
        assert_eq!((answer.header("content-length"), answer.header("etag")), ("70000", "\"0x8D\""));
    }
    let answer = rig.send(Method::HEAD, &rig.path("aac-128/00009.m4s"), &[]).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_FOUND, 0));
}

#[tokio::test]
async fn pages_of_any_origin_may_read_and_nobody_may_write() {
    let rig = Rig::new().await;
    rig.put("master.m3u8", "#EXTM3U\n");
    let headers = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "range"),
    ];
    let answer = rig.send(Method::OPTIONS, &rig.path("master.m3u8"), &headers).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-methods").contains("GET"));
    assert!(answer.header("access-control-allow-headers").contains("Range"));
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
        let answer = rig.send(method, &rig.path("master.m3u8"), &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
}

#[tokio::test]
async fn empty_objects_are_served() {
    let rig = Rig::new().await;
    rig.put("aac-128/index.m3u8", "");
    for _ in 0..2 {
        let answer = rig.get("aac-128/index.m3u8").await;
        assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "0"));
    }
}
