use super::world::{World, after, before, by, fails, first, worlds};
use segue_domain::{EventId, ItemId, SongId, UserId};
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::{SongState, Visibility},
};
use std::time::Duration;
use tonic::{Code, Status};

#[tokio::test]
async fn songs_are_added_where_they_are_wanted() {
    for world in worlds().await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        let songs: Vec<SongId> = (0..4).map(|_| world.public()).collect();
        let added = world.add(owner, &playlist, &songs[..2], None).await.unwrap();
        let header = added.playlist.unwrap();
        assert_eq!((header.item_count, header.duration_ms, header.etag.as_str()), (2, 360_000, "2"));
        assert_eq!(header.covers[0].url, format!("http://edge/{}", songs[0]));
        let [a, b] = [0, 1].map(|i| added.items[i].item_id.clone());
        world.add(owner, &playlist, &songs[2..3], first()).await.unwrap();
        world.add(owner, &playlist, &songs[3..], after(&a)).await.unwrap();
        world.add(owner, &playlist, &songs[..1], before(&a)).await.unwrap();
        let items = world.items(owner, &playlist).await;
        let order: Vec<SongId> = items.iter().map(|item| item.song_id.parse().unwrap()).collect();
        assert_eq!(order, [songs[2], songs[0], songs[0], songs[3], songs[1]]);
        assert_eq!((&items[2].item_id, &items[4].item_id), (&a, &b));
        let item = &items[0];
        assert_eq!((item.available, item.added_by.clone()), (true, owner.to_string()));
        assert_eq!(item.song.as_ref().unwrap().title, format!("title {}", songs[2]));
        let cover = world.get(owner, &playlist).await.unwrap().covers;
        assert_eq!(cover[0].url, format!("http://edge/{}", songs[2]));

        let gone = ItemId::new().to_string();
        fails(world.add(owner, &playlist, &songs, after(&gone)).await, Code::NotFound, "ITEM_NOT_FOUND");
        let nobody = [SongId::new()];
        fails(world.add(owner, &playlist, &nobody, None).await, Code::NotFound, "SONG_NOT_FOUND");
        let hidden = [world.song(UserId::new(), Visibility::Private)];
        fails(world.add(owner, &playlist, &hidden, None).await, Code::NotFound, "SONG_NOT_FOUND");
        for wrong in [vec![], vec![songs[0]; 201]] {
            fails(world.add(owner, &playlist, &wrong, None).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        assert_eq!(world.items(owner, &playlist).await.len(), 5);
    }
}

#[tokio::test]
async fn a_repeat_adds_nothing() {
    for world in worlds().await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        let songs = [world.public(), world.public()];
        let wish = AddItemsRequest {
            playlist_id: playlist.clone(),
            song_ids: songs.iter().map(SongId::to_string).collect(),
            request_id: EventId::new().to_string(),
            etag: "1".into(),
            ..Default::default()
        };
        let add = async |wish: &AddItemsRequest| {
            Ok::<_, Status>(world.api.add_items(by(owner, wish.clone())).await?.into_inner())
        };
        let made = add(&wish).await.unwrap();
        // Although its etag is stale by now, and its songs are gone.
        world.songs.rows.lock().unwrap().clear();
        let again = add(&wish).await.unwrap();
        assert_eq!((again.items, again.playlist.unwrap().item_count), (made.items.clone(), 2));
        let other = AddItemsRequest { place: first(), ..wish.clone() };
        fails(add(&other).await, Code::AlreadyExists, "REQUEST_ALREADY_EXISTS");
        world.remove(owner, &playlist, &[&made.items[0].item_id]).await.unwrap();
        assert_eq!(add(&wish).await.unwrap().items, made.items[1..]);
        let bad = AddItemsRequest { request_id: "1".into(), ..wish.clone() };
        fails(add(&bad).await, Code::InvalidArgument, "FIELD_INVALID");
        // What is old is forgotten.
        world.role.sweep().await;
        assert_eq!(world.rows("playlist_requests").await, 1);
        world.advance(Duration::from_secs(25 * 3600));
        world.role.sweep().await;
        assert_eq!(world.rows("playlist_requests").await, 0);
    }
}

#[tokio::test]
async fn duplicates_are_refused_where_they_are_not_wanted() {
    for world in worlds().await {
        let owner = UserId::new();
        let wish = CreatePlaylistRequest { title: "x".into(), refuse_duplicates: true, ..Default::default() };
        let made = world.api.create_playlist(by(owner, wish)).await.unwrap().into_inner();
        let playlist = made.playlist.unwrap().playlist_id;
        let (a, b) = (world.public(), world.public());
        let (code, why) = (Code::AlreadyExists, "SONG_DUPLICATE");
        fails(world.add(owner, &playlist, &[a, a], None).await, code, why);
        world.add(owner, &playlist, &[a], None).await.unwrap();
        fails(world.add(owner, &playlist, &[b, a], None).await, code, why);
        assert_eq!(world.get(owner, &playlist).await.unwrap().item_count, 1);
    }
}

#[tokio::test]
async fn a_playlist_is_full_at_ten_thousand() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 9_900).await;
        let song = world.public();
        let full = world.add(owner, &playlist, &[song; 101], None).await;
        fails(full, Code::ResourceExhausted, "LIMIT_REACHED");
        let header = world.add(owner, &playlist, &[song; 100], None).await.unwrap().playlist.unwrap();
        assert_eq!(header.item_count, 10_000);
        let full = world.add(owner, &playlist, &[song], first()).await;
        fails(full, Code::ResourceExhausted, "LIMIT_REACHED");
        world.remove(owner, &playlist, &[&ids[5000]]).await.unwrap();
        world.add(owner, &playlist, &[song], first()).await.unwrap();
        assert_eq!(world.items(owner, &playlist).await.len(), 10_000);
    }
}

#[tokio::test]
async fn what_is_gone_hidden_or_not_ready_is_shown_as_unavailable() {
    for world in worlds().await {
        let (owner, other) = (UserId::new(), UserId::new());
        let playlist = world.create(owner, Visibility::Public).await;
        let deleted = world.song(other, Visibility::Public);
        let hidden = world.song(other, Visibility::Public);
        let own = world.song(owner, Visibility::Private);
        let waiting = world.song_with(owner, Visibility::Private, |song| {
            song.set_state(SongState::Uploaded);
            song.duration_ms = 0;
        });
        world.add(owner, &playlist, &[deleted, hidden, own, waiting], None).await.unwrap();
        let change = |id: SongId, change: fn(&mut segue_proto::song::v1::Song)| {
            change(world.songs.rows.lock().unwrap().get_mut(&id).unwrap());
        };
        world.songs.rows.lock().unwrap().remove(&deleted);
        change(hidden, |song| song.set_visibility(Visibility::Private));
        let shown = async |user| {
            let items = world.items(user, &playlist).await;
            items.iter().map(|item| (item.song.is_some(), item.available)).collect::<Vec<_>>()
        };
        let gone = (false, false);
        assert_eq!(shown(owner).await, [gone, gone, (true, true), (true, false)]);
        assert_eq!(shown(other).await, [gone, (true, true), gone, gone]);
        assert_eq!(world.get(owner, &playlist).await.unwrap().duration_ms, 540_000);

        // A song that has become READY brings its duration, when somebody looks.
        change(waiting, |song| {
            song.set_state(SongState::Ready);
            song.duration_ms = 60_000;
        });
        assert_eq!(shown(owner).await[3], (true, true));
        for _ in 0..200 {
            if world.get(owner, &playlist).await.unwrap().duration_ms == 600_000 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(world.get(owner, &playlist).await.unwrap().duration_ms, 600_000);

        *world.songs.away.lock().unwrap() = true;
        assert_eq!(shown(owner).await, [gone; 4]);
        let header = world.get(owner, &playlist).await.unwrap();
        assert_eq!((header.item_count, header.covers.len()), (4, 0));
        fails(world.add(owner, &playlist, &[own], None).await, Code::Unavailable, "ROLE_UNAVAILABLE");
    }
}

#[tokio::test]
async fn items_are_removed_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 5).await;
        let (a, b, stranger) = (&ids[1], &ids[3], ItemId::new().to_string());
        let gone = world.remove(owner, &playlist, &[b, a, &stranger, b]).await.unwrap();
        assert_eq!(gone.item_ids, [b.clone(), a.clone()]);
        let header = gone.playlist.unwrap();
        assert_eq!((header.item_count, header.duration_ms, header.etag.as_str()), (3, 540_000, "3"));
        let again = world.remove(owner, &playlist, &[a, b]).await.unwrap();
        assert_eq!((again.item_ids.len(), again.playlist.unwrap().etag.as_str()), (0, "3"));
        let (_, others) = world.filled(owner, 1).await;
        let other = world.remove(owner, &playlist, &[&others[0]]).await.unwrap();
        assert!(other.item_ids.is_empty(), "an item of another playlist stays");
    }
}

#[tokio::test]
async fn one_call_brings_the_songs_of_a_page() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, _) = world.filled(owner, 450).await;
        let calls = |world: &World| *world.songs.calls.lock().unwrap();
        let before = calls(&world);
        let items = world.items(owner, &playlist).await;
        assert_eq!((items.len(), calls(&world) - before), (450, 3));
    }
}
