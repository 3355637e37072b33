//! What is kept, and what becomes of it.

use crate::rig::{Rig, audio, until};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use segue_edge::EdgeConfig;
use std::{fs, os::unix::fs::FileExt};

const NAME: &str = "flac/00001.m4s";

fn ways() -> [fn(&mut EdgeConfig); 2] {
    [|_| {}, |config| config.memory_object_bytes = 0]
}

#[tokio::test]
async fn a_restart_keeps_what_was_stored() {
    for way in ways() {
        let mut rig = Rig::with(way).await;
        rig.put(NAME, audio(300_000));
        rig.get(NAME).await;
        rig.stored(1).await;
        rig.restart().await;
        let answer = rig.get_with(NAME, &[("range", "bytes=100-199999")]).await;
        assert_eq!(answer.body, audio(300_000).slice(100..200_000));
        assert_eq!((answer.header("x-cache"), answer.header("etag")), ("HIT", "\"0x8D\""));
        let answer = rig.get(NAME).await;
        assert_eq!(
            (answer.header("x-cache"), answer.body.clone(), rig.origin.gets()),
            ("HIT", audio(300_000), 1)
        );
    }
}

#[tokio::test]
async fn damaged_files_are_fetched_again_and_never_served() {
    for way in ways() {
        for damage in ["flip", "cut", "empty", "gone"] {
            let mut rig = Rig::with(way).await;
            rig.put(NAME, audio(300_000));
            rig.get(NAME).await;
            rig.stored(1).await;
            let path = rig.files().remove(0);
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            match damage {
                "flip" => file.write_all_at(&[audio(300_000)[123_456] ^ 1], 123_456).unwrap(),
                "cut" => file.set_len(200_000).unwrap(),
                "empty" => file.set_len(0).unwrap(),
                _ => {}
            }
            rig.restart().await;
            if damage == "gone" {
                fs::remove_file(&path).unwrap();
            }
            assert_eq!(rig.get(NAME).await.body, audio(300_000), "{damage}");
            assert_eq!(rig.origin.gets(), 2, "{damage}");
            // Healed.
            rig.stored(1).await;
            rig.restart().await;
            assert_eq!((rig.get(NAME).await.body, rig.origin.gets()), (audio(300_000), 2), "{damage}");
        }
    }
}

#[tokio::test]
async fn the_disk_stays_within_its_limit_and_evicted_objects_come_back() {
    let rig = Rig::with(|c| (c.disk_bytes, c.memory_bytes) = (200_000, 0)).await;
    for n in 1..=30 {
        let name = format!("flac/{n:05}.m4s");
        rig.put(&name, audio(20_000 + n));
        assert_eq!(rig.get(&name).await.body, audio(20_000 + n));
    }
    until(|| {
        let used: u64 = rig.files().iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
        (150_000..=200_000).contains(&used)
    })
    .await;
    assert_eq!(rig.get("flac/00001.m4s").await.body, audio(20_001));
    assert_eq!(rig.origin.gets(), 31);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_served_around() {
    let rig = Rig::new().await;
    // As with a full disk, no new file can be made.
    fs::remove_dir_all(rig.config.cache_dir.join("tmp")).unwrap();
    for n in 1..=3 {
        let name = format!("flac/{n:05}.m4s");
        rig.put(&name, audio(100_000));
        assert_eq!(rig.get(&name).await.body, audio(100_000));
    }
    assert_eq!(rig.files().len(), 0);
    // Hot ones are still in memory; what fits neither is refused for now.
    assert_eq!(rig.get("flac/00001.m4s").await.header("x-cache"), "HIT");
    rig.put("flac/00009.m4s", audio(2 << 20));
    let answer = rig.get("flac/00009.m4s").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
}

#[tokio::test]
async fn slow_listeners_of_many_objects_share_a_bounded_memory() {
    // Memory for two bodies, and for one more in pieces; ten listeners who do not read yet.
    let rig =
        Rig::with(|c| (c.memory_bytes, c.transit_bytes, c.file_read_bytes) = (0, 200_000, 120_000)).await;
    let mut slow = Vec::new();
    for n in 1..=10 {
        let name = format!("flac/{n:05}.m4s");
        rig.put(&name, audio(100_000 + n));
        slow.push(rig.begin(Method::GET, &rig.path(&name), &[]).await);
    }
    rig.stored(10).await;
    for (n, body) in slow.into_iter().enumerate() {
        assert_eq!(body.into_body().collect().await.unwrap().to_bytes(), audio(100_001 + n));
    }
}

#[tokio::test]
async fn two_processes_cannot_share_a_folder() {
    let rig = Rig::new().await;
    let deps = segue_edge::Deps {
        blob: rig.origin.clone(),
        grants: segue_domain::GrantVerifier::new(&[]).unwrap(),
        clock: std::sync::Arc::new(rig.clock.clone()),
    };
    let error = segue_edge::Edge::open(rig.config.clone(), deps).await.unwrap_err();
    assert!(matches!(error, segue_edge::Error::InUse(_)), "{error}");
}

#[test]
fn unknown_settings_are_refused() {
    let config: EdgeConfig = serde_json::from_str(r#"{"disk_bytes": 5}"#).unwrap();
    assert_eq!(config, EdgeConfig { disk_bytes: 5, ..EdgeConfig::default() });
    assert!(serde_json::from_str::<EdgeConfig>(r#"{"disk_byte": 5}"#).is_err());
}
