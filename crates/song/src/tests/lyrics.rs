//! GetLyrics.

use super::world::*;
use bytes::Bytes;
use segue_domain::{ObjectName, SongId, UserId};
use segue_ports::blob::{BlobStore, Condition};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::sync::atomic::Ordering;
use tonic::{Code, Status};

async fn lyrics(world: &World, caller: UserId, id: SongId) -> Result<GetLyricsResponse, Status> {
    let request = GetLyricsRequest { song_id: id.to_string() };
    Ok(world.api.get_lyrics(by(caller, request)).await?.into_inner())
}

async fn worded(world: &World, owner: UserId, kind: &str, manifest: &str) -> SongId {
    let mut song = said("song", &["Ada"], "", "");
    song.tags.as_mut().unwrap().lyrics = kind.into();
    let id = world.tagged(owner, song).await;
    let output = world.row(id).await.output.unwrap().id;
    let object = ObjectName::media(id, output, "manifest.json").unwrap();
    let bytes = Bytes::from(manifest.to_owned());
    world.blob.put(&object, "", bytes, Condition::Always).await.unwrap();
    id
}

#[tokio::test]
async fn words_come_from_the_manifest_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let manifest = r#"{"version":1,"rungs":[],"lyrics":{"synced":true,"language":"deu",
            "lines":[{"start_ms":500,"text":"eins"},{"start_ms":900,"text":""}]}}"#;
        let id = worded(&world, owner, "SYNCED", manifest).await;
        let song = world.api.get_song(by(owner, GetSongRequest { song_id: id.to_string() })).await.unwrap();
        assert_eq!(song.into_inner().song.unwrap().lyrics(), LyricsKind::Synced);
        let got = lyrics(&world, owner, id).await.unwrap();
        assert_eq!((got.kind(), got.language.as_str()), (LyricsKind::Synced, "deu"));
        let lines: Vec<_> = got.lines.iter().map(|line| (line.start_ms, line.text.as_str())).collect();
        assert_eq!(lines, [(500, "eins"), (900, "")]);
        world.blob.away.store(true, Ordering::SeqCst);
        assert_eq!(lyrics(&world, owner, id).await.unwrap(), got, "they are kept");
        world.blob.away.store(false, Ordering::SeqCst);
        fails(lyrics(&world, UserId::new(), id).await, Code::NotFound, "SONG_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_song_without_words_has_none_and_a_manifest_is_not_trusted() {
    for world in worlds().await {
        let owner = UserId::new();
        let silent = world.ready(owner).await;
        fails(lyrics(&world, owner, silent).await, Code::NotFound, "LYRICS_NOT_FOUND");
        let begun = world.create(owner, 5).await;
        fails(lyrics(&world, owner, begun).await, Code::NotFound, "LYRICS_NOT_FOUND");
        let old = worded(&world, owner, "PLAIN", r#"{"version":1,"rungs":[]}"#).await;
        fails(lyrics(&world, owner, old).await, Code::NotFound, "LYRICS_NOT_FOUND");
        let odd = worded(&world, owner, "PAINTED", r#"{"version":1,"rungs":[]}"#).await;
        fails(lyrics(&world, owner, odd).await, Code::NotFound, "LYRICS_NOT_FOUND");
        let newer = worded(&world, owner, "PLAIN", r#"{"version":2,"rungs":[]}"#).await;
        fails(lyrics(&world, owner, newer).await, Code::Internal, "INTERNAL");
        let line = format!("{{\"start_ms\":0,\"text\":\"{}\"}}", "x".repeat(100));
        let many = vec![line; 20_000].join(",");
        let manifest =
            format!("{{\"version\":1,\"rungs\":[],\"lyrics\":{{\"synced\":false,\"lines\":[{many}]}}}}");
        let long = worded(&world, owner, "PLAIN", &manifest).await;
        let got = lyrics(&world, owner, long).await.unwrap();
        assert_eq!((got.kind(), got.lines.len()), (LyricsKind::Plain, 655));
        world.blob.away.store(true, Ordering::SeqCst);
        let unread = worded_away(&world, owner).await;
        fails(lyrics(&world, owner, unread).await, Code::Unavailable, "BLOB_STORE_UNAVAILABLE");
    }
}

/// A song with words whose manifest cannot be reached.
async fn worded_away(world: &World, owner: UserId) -> SongId {
    world.blob.away.store(false, Ordering::SeqCst);
    let mut song = said("song", &["Ada"], "", "");
    song.tags.as_mut().unwrap().lyrics = "PLAIN".into();
    let id = world.tagged(owner, song).await;
    world.blob.away.store(true, Ordering::SeqCst);
    id
}
