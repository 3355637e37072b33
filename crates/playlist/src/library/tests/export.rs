//! Everything about an account as one file.

use super::world::*;
use futures::TryStreamExt;
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{ExportMeRequest, Play, library_service_server::LibraryService},
    song::v1::{Cover, Visibility},
};
use serde_json::{Value, json};

impl World {
    async fn export(&self, user: UserId) -> Value {
        let stream = self.api.export_me(by(user, ExportMeRequest {})).await.unwrap().into_inner();
        let pieces: Vec<Vec<u8>> = stream.map_ok(|piece| piece.content).try_collect().await.unwrap();
        assert!(pieces.iter().all(|piece| (1..=64 * 1024).contains(&piece.len())));
        serde_json::from_slice(&pieces.concat()).expect("the pieces make one JSON file")
    }
}

#[tokio::test]
async fn an_account_that_has_done_nothing_has_a_file_too() {
    for world in worlds().await {
        let user = UserId::new();
        let file = world.export(user).await;
        assert_eq!(file["format"], "segue.export.v1");
        assert_eq!(file["account"]["user_id"], json!(user));
        assert_eq!(file["account"]["display_name"], "Zoë \"Z\"");
        assert_eq!(file["sessions"].as_array().unwrap().len(), 2);
        for list in ["likes", "played", "history", "songs"] {
            assert_eq!(file[list], json!([]), "{list}");
        }
    }
}

#[tokio::test]
async fn the_file_is_complete_and_has_nothing_of_others() {
    for world in worlds().await {
        let (user, other) = (UserId::new(), UserId::new());
        let mine: Vec<_> = (0..16).map(|_| world.song(user, Visibility::Private)).collect();
        let cover = Cover { url: "https://signed.example".into(), ..Default::default() };
        world.songs.rows.lock().unwrap().get_mut(&mine[0]).unwrap().covers = vec![cover];
        let theirs = world.song(other, Visibility::Public);
        let mut plays: Vec<Play> = Vec::new();
        for i in 0..450_i64 {
            plays.push(play(mine[i as usize % 16], segue_domain::Timestamp(NOW.millis() - i / 3)));
        }
        for part in plays.chunks(200) {
            world.record(user, part).await;
        }
        world.record(other, &[play(theirs, NOW)]).await;
        world.like(user, theirs).await.unwrap();
        world.like(other, theirs).await.unwrap();
        for song in &mine {
            world.like(user, *song).await.unwrap();
        }
        let file = world.export(user).await;
        let ids = |list: &str, name: &str| {
            let list = file[list].as_array().unwrap().iter();
            let mut ids: Vec<_> = list.map(|row| row[name].as_str().unwrap().to_owned()).collect();
            ids.sort_unstable();
            ids
        };
        let mut events: Vec<_> = plays.iter().map(|play| play.event_id.clone()).collect();
        events.sort_unstable();
        assert_eq!(ids("history", "event_id"), events, "{}", world.test.engine);
        let songs: Vec<_> = mine.iter().map(|song| song.to_string()).collect();
        assert_eq!(ids("songs", "song_id"), songs);
        assert_eq!(ids("played", "song_id"), songs);
        let mut liked = [songs, vec![theirs.to_string()]].concat();
        liked.sort_unstable();
        assert_eq!(ids("likes", "song_id"), liked);
        assert_eq!(file["songs"][0]["state"], "READY");
        let of_theirs = |row: &&Value| row["song_id"] == json!(theirs);
        let like = file["likes"].as_array().unwrap().iter().find(of_theirs).unwrap();
        assert_eq!(like["song"]["title"], format!("song \"{theirs}\""));
        assert_eq!(file["history"][0]["start_time"], "2027-01-15T08:00:00Z");
        assert!(!file.to_string().contains("signed.example"), "leave to fetch is not for keeping");
    }
}

#[tokio::test]
async fn a_large_file_comes_in_pieces() {
    for world in worlds().await {
        let (user, song) = (UserId::new(), world.public());
        for _ in 0..5 {
            let plays: Vec<Play> = (0..200).map(|_| play(song, NOW)).collect();
            world.record(user, &plays).await;
        }
        let stream = world.api.export_me(by(user, ExportMeRequest {})).await.unwrap().into_inner();
        let sizes: Vec<usize> = stream.map_ok(|piece| piece.content.len()).try_collect().await.unwrap();
        assert!(sizes.len() > 2, "{sizes:?}");
        let full = &sizes[..sizes.len() - 1];
        assert!(full.iter().all(|size| *size == 64 * 1024), "all are full but the last: {sizes:?}");
    }
}
