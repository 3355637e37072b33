//! Everything about an account as one file.

use super::world::*;
use crate::{PlaylistApi, consume::Inbox};
use futures::TryStreamExt;
use segue_domain::{SongId, UserId};
use segue_proto::{
    playlist::v1::{
        AddItemsRequest, CreatePlaylistRequest, ExportMeRequest, FollowPlaylistRequest, Play, Role,
        SetCollaboratorRequest, library_service_server::LibraryService,
        playlist_service_server::PlaylistService,
    },
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
        let lists =
            ["playlists", "shared_playlists", "followed_playlists", "likes", "played", "history", "songs"];
        for list in lists {
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

/// A playlist with these songs.
async fn playlist(api: &PlaylistApi, owner: UserId, title: &str, songs: &[SongId]) -> String {
    let create = CreatePlaylistRequest {
        title: title.into(),
        visibility: Visibility::Public.into(),
        ..Default::default()
    };
    let made = api.create_playlist(by(owner, create)).await.unwrap().into_inner();
    let playlist_id = made.playlist.unwrap().playlist_id;
    for part in songs.chunks(200) {
        let song_ids = part.iter().map(SongId::to_string).collect();
        let add = AddItemsRequest { playlist_id: playlist_id.clone(), song_ids, ..Default::default() };
        api.add_items(by(owner, add)).await.unwrap();
    }
    playlist_id
}

#[tokio::test]
async fn playlists_are_there_with_all_their_items_in_order() {
    for world in worlds().await {
        let (user, other) = (UserId::new(), UserId::new());
        world.people.0.lock().unwrap().insert("user@x".into(), user);
        let api = PlaylistApi::new(world.role.clone());
        let (a, b) = (world.public(), world.public());
        let songs: Vec<SongId> = (0..403).map(|i| if i % 3 == 0 { a } else { b }).collect();
        playlist(&api, user, "long \"}{", &songs).await;
        playlist(&api, user, "empty", &[]).await;
        playlist(&api, other, "not mine", &songs[..2]).await;
        let shared = playlist(&api, other, "ours", &[]).await;
        let followed = playlist(&api, other, "theirs", &[]).await;
        let who = SetCollaboratorRequest {
            playlist_id: shared.clone(),
            user: user.to_string(),
            role: Role::Editor.into(),
        };
        api.set_collaborator(by(other, who)).await.unwrap();
        let follow = FollowPlaylistRequest { playlist_id: followed.clone() };
        api.follow_playlist(by(user, follow)).await.unwrap();
        for event in world.facts().await {
            world.role.handle(Inbox::Lists, vec![event]).await.unwrap();
        }

        let file = world.export(user).await;
        let mut titles: Vec<_> = file["playlists"].as_array().unwrap().iter().map(|p| &p["title"]).collect();
        titles.sort_unstable_by_key(|title| title.to_string());
        assert_eq!(titles, ["empty", "long \"}{"], "{}", world.test.engine);
        let long = file["playlists"].as_array().unwrap().iter().find(|p| p["title"] != "empty").unwrap();
        let items: Vec<_> =
            long["items"].as_array().unwrap().iter().map(|item| item["song_id"].clone()).collect();
        assert_eq!(items, songs.iter().map(|song| json!(song)).collect::<Vec<_>>());
        assert_eq!(long["items"][0]["song"]["title"], format!("song \"{a}\""));
        assert_eq!(file["shared_playlists"], json!([{ "playlist_id": shared, "title": "ours" }]));
        assert_eq!(file["followed_playlists"], json!([{ "playlist_id": followed, "title": "theirs" }]));
    }
}
