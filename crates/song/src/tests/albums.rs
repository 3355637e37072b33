//! ListAlbums, GetAlbum and ListAlbumSongs, and how songs come to albums.

use super::world::*;
use segue_domain::{SongId, UserId};
use segue_mesh::Caller;
use segue_proto::{
    event::v1::{AlbumChanged, event::Data},
    song::v1::{song_service_server::SongService, *},
};
use tonic::{Code, Status};

pub(super) async fn albums(world: &World, caller: &Caller, request: ListAlbumsRequest) -> Vec<Album> {
    let (mut albums, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListAlbumsRequest { page_token, ..request.clone() };
        let page = world.api.list_albums(as_caller(caller, request)).await.unwrap().into_inner();
        albums.extend(page.albums);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return albums;
        }
    }
}

pub(super) async fn get(world: &World, caller: &Caller, album_id: &str) -> Result<Album, Status> {
    let request = GetAlbumRequest { album_id: album_id.into() };
    Ok(world.api.get_album(as_caller(caller, request)).await?.into_inner().album.unwrap())
}

pub(super) async fn songs(world: &World, caller: &Caller, album_id: &str, page_size: i32) -> Vec<String> {
    let (mut songs, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListAlbumSongsRequest { album_id: album_id.into(), page_size, page_token };
        let page = world.api.list_album_songs(as_caller(caller, request)).await.unwrap().into_inner();
        songs.extend(page.songs.into_iter().map(|song| song.song_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return songs;
        }
    }
}

fn named(id: SongId) -> Song {
    Song { song_id: id.to_string(), ..Default::default() }
}

async fn show(world: &World, owner: UserId, id: SongId, visibility: Visibility) {
    world.edit(owner, Song { visibility: visibility.into(), ..named(id) }, &["visibility"]).await;
    world.relay().await;
}

/// Facts about albums that were not taken from here before.
async fn told(world: &World) -> Vec<(String, u64, AlbumChanged)> {
    let events = world.shelf_facts().await.into_iter();
    events
        .filter_map(|event| match event.data? {
            Data::AlbumUpdated(album) | Data::AlbumDeleted(album) => {
                Some((event.r#type, event.sequence, album))
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn an_album_is_what_the_tags_of_its_songs_say() {
    for world in worlds().await {
        let owner = UserId::new();
        let caller = user(owner);
        let mut ids = Vec::new();
        for (title, track, disc, lufs, genre) in
            [("c", 2, 1, -20.0, "Rock"), ("b", 1, 2, -10.0, "Jazz"), ("a", 1, 1, -14.0, "Jazz")]
        {
            let mut song = said(title, &["Ada", "Bo"], "Kid  A", "Radiohead");
            let tags = song.tags.as_mut().unwrap();
            (tags.track_number, tags.disc_number, tags.year) = (track, disc, 2000 + track);
            tags.genre = genre.into();
            song.loudness_lufs = Some(lufs);
            song.sample_rate = if track == 1 { 44_100 } else { 96_000 };
            ids.push(world.tagged(owner, song).await.to_string());
        }
        world.tagged(owner, said("no album", &["Ada"], "", "Radiohead")).await;
        world.tagged(UserId::new(), said("of another", &["Ada"], "Kid A", "Radiohead")).await;
        world.relay().await;
        let found = albums(&world, &caller, ListAlbumsRequest::default()).await;
        assert_eq!(found.len(), 1, "{}", world.test.engine);
        let album = &found[0];
        assert_eq!(get(&world, &caller, &album.album_id).await.unwrap(), *album);
        assert_eq!((album.title.as_str(), album.album_artist.as_str()), ("Kid  A", "Radiohead"));
        assert_eq!((album.song_count, album.disc_count, album.duration_ms), (3, 2, 540_000));
        assert_eq!((album.year, album.genre.as_str()), (2002, "Jazz"));
        // 10 log10 of the mean of 10^-2, 10^-1 and 10^-1.4.
        assert_eq!((album.loudness_lufs, album.true_peak_db), (Some(-13.02), Some(-1.0)));
        assert!(album.covers[0].url.contains(&ids[2]), "the first song's: {}", album.covers[0].url);
        let order = [&ids[2], &ids[0], &ids[1]].map(String::clone);
        for page_size in [1, 2, 3, 50] {
            assert_eq!(songs(&world, &caller, &album.album_id, page_size).await, order);
        }
        let request = GetSongRequest { song_id: ids[0].clone() };
        let song = world.api.get_song(by(owner, request)).await.unwrap().into_inner().song.unwrap();
        assert_eq!((song.album_id.as_str(), song.artist_ids.len()), (album.album_id.as_str(), 2));
    }
}

#[tokio::test]
async fn a_song_moves_with_its_tags_and_an_album_without_songs_is_gone() {
    for world in worlds().await {
        let owner = UserId::new();
        let caller = user(owner);
        let one = world.tagged(owner, said("one", &["Ada"], "Old", "")).await;
        let two = world.tagged(owner, said("two", &["ADA"], "old ", "")).await;
        world.relay().await;
        let old = albums(&world, &caller, ListAlbumsRequest::default()).await.remove(0);
        assert_eq!((old.song_count, old.album_artist.as_str()), (2, "ADA"));
        let facts = told(&world).await;
        assert_eq!(facts.iter().map(|(_, n, a)| (*n, a.song_count)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);

        world.edit(owner, Song { title: "new title".into(), ..named(one) }, &["title"]).await;
        world.relay().await;
        assert_eq!(told(&world).await, [], "nothing of the album has changed");

        world.edit(owner, Song { album: "New".into(), ..named(one) }, &["album"]).await;
        world.relay().await;
        let found = albums(&world, &caller, ListAlbumsRequest::default()).await;
        let titles: Vec<_> = found.iter().map(|a| (a.title.as_str(), a.song_count)).collect();
        assert_eq!(titles, [("New", 1), ("old", 1)]);
        assert_eq!(told(&world).await.len(), 2);

        world.delete(owner, two).await;
        world.relay().await;
        fails(get(&world, &caller, &old.album_id).await, Code::NotFound, "ALBUM_NOT_FOUND");
        let facts = told(&world).await;
        assert_eq!((facts[0].0.as_str(), facts[0].1, facts[0].2.song_count), ("album.deleted.v1", 4, 0));
        world.edit(owner, Song { album: "OLD".into(), ..named(one) }, &["album"]).await;
        world.relay().await;
        assert_eq!(get(&world, &caller, &old.album_id).await.unwrap().title, "OLD", "it is there again");
        let facts = told(&world).await;
        let again = facts.iter().find(|(_, _, a)| a.album_id == old.album_id).unwrap();
        assert_eq!((again.0.as_str(), again.1), ("album.updated.v1", 5));
    }
}

#[tokio::test]
async fn others_see_the_public_songs_of_an_album_and_sums_over_them() {
    for world in worlds().await {
        let owner = UserId::new();
        let mut ids = Vec::new();
        for title in ["a", "b", "c"] {
            ids.push(world.tagged(owner, said(title, &["Ada"], "Album", "")).await);
        }
        world.relay().await;
        let album_id = world.row(ids[0]).await.album_id().unwrap().to_string();
        let others = [user(UserId::new()), Caller::Anonymous];
        let listed = |caller: Caller| {
            let world = &world;
            let request = ListAlbumsRequest { owner_id: owner.to_string(), ..Default::default() };
            async move { albums(world, &caller, request).await }
        };
        for visibility in [Visibility::Private, Visibility::Unlisted] {
            show(&world, owner, ids[0], visibility).await;
            for other in &others {
                fails(get(&world, other, &album_id).await, Code::NotFound, "ALBUM_NOT_FOUND");
                let request = ListAlbumSongsRequest { album_id: album_id.clone(), ..Default::default() };
                let none = world.api.list_album_songs(as_caller(other, request)).await;
                fails(none, Code::NotFound, "ALBUM_NOT_FOUND");
            }
            assert_eq!(listed(others[0].clone()).await, []);
        }
        show(&world, owner, ids[1], Visibility::Public).await;
        for other in &others {
            let album = get(&world, other, &album_id).await.unwrap();
            assert_eq!((album.song_count, album.duration_ms), (1, 180_000));
            assert!(album.covers[0].url.contains(&ids[1].to_string()), "a cover that they may see");
            assert_eq!(songs(&world, other, &album_id, 50).await, [ids[1].to_string()]);
        }
        assert_eq!(listed(others[0].clone()).await.len(), 1);
        for all in [user(owner), admin(), Caller::Role("playlist".into())] {
            assert_eq!(get(&world, &all, &album_id).await.unwrap().song_count, 3);
            assert_eq!(songs(&world, &all, &album_id, 50).await.len(), 3);
        }
        let facts = told(&world).await;
        let (_, _, last) = facts.last().unwrap();
        assert_eq!((last.song_count, last.duration_ms), (1, 180_000), "search shows no more than this");
        let seen: Vec<_> = facts.iter().map(|(_, _, a)| a.visibility.as_str()).collect();
        assert_eq!(seen, ["PRIVATE", "PRIVATE", "PRIVATE", "UNLISTED", "PUBLIC"]);
        show(&world, owner, ids[1], Visibility::Private).await;
        fails(get(&world, &others[0], &album_id).await, Code::NotFound, "ALBUM_NOT_FOUND");
        assert_eq!(listed(others[0].clone()).await, []);
    }
}

#[tokio::test]
async fn albums_are_listed_by_title_in_pages_and_by_artist() {
    for world in worlds().await {
        let owner = UserId::new();
        let caller = user(owner);
        for (title, artists) in [
            ("beta", &["Ada"][..]),
            ("Álpha", &["Bo"]),
            ("ALPHA", &["Bo"]),
            ("\"quoted\\", &["Ada"]),
            ("日本", &["Ada", "Bo"]),
            ("Beta", &["Cy"]),
        ] {
            world.tagged(owner, said("song", artists, title, "")).await;
        }
        world.relay().await;
        let titles = |albums: Vec<Album>| albums.into_iter().map(|a| a.title).collect::<Vec<_>>();
        let want = ["\"quoted\\", "ALPHA", "beta", "Beta", "Álpha", "日本"];
        for page_size in [1, 2, 5, 6] {
            let request = ListAlbumsRequest { page_size, ..Default::default() };
            assert_eq!(titles(albums(&world, &caller, request).await), want, "{}", world.test.engine);
        }
        let ada = segue_domain::ArtistId::of(owner, "ada").unwrap().to_string();
        for page_size in [1, 2, 3] {
            let request = ListAlbumsRequest { page_size, artist_id: ada.clone(), ..Default::default() };
            assert_eq!(titles(albums(&world, &caller, request).await), ["\"quoted\\", "beta", "日本"]);
        }
        let stranger = user(UserId::new());
        let request = ListAlbumsRequest { artist_id: ada.clone(), ..Default::default() };
        assert_eq!(albums(&world, &stranger, request).await, [], "she is not theirs");
        let request = ListAlbumsRequest { artist_id: ada, owner_id: owner.to_string(), ..Default::default() };
        assert_eq!(albums(&world, &stranger, request).await, [], "nothing is public");
    }
}

#[tokio::test]
async fn bad_requests_are_refused() {
    for world in worlds().await {
        let owner = UserId::new();
        for title in ["a", "b"] {
            world.tagged(owner, said("song", &["Ada"], title, "")).await;
        }
        world.relay().await;
        for bad in ["", "x", &UserId::new().to_string()] {
            fails(get(&world, &user(owner), bad).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        let page = |request| world.api.list_albums(by(owner, request));
        let first =
            page(ListAlbumsRequest { page_size: 1, ..Default::default() }).await.unwrap().into_inner();
        let page_token = first.next_page_token;
        assert!(!page_token.is_empty());
        let of_other = ListAlbumsRequest {
            page_token: page_token.clone(),
            owner_id: UserId::new().to_string(),
            ..Default::default()
        };
        fails(page(of_other).await, Code::InvalidArgument, "FIELD_INVALID");
        for page_token in ["!".to_owned(), page_token[..page_token.len() - 4].to_owned()] {
            let request = ListAlbumsRequest { page_token, ..Default::default() };
            fails(page(request).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        let request = ListAlbumsRequest { page_size: -1, ..Default::default() };
        fails(page(request).await, Code::InvalidArgument, "FIELD_INVALID");
        let request = ListAlbumsRequest { owner_id: "me".into(), ..Default::default() };
        fails(page(request).await, Code::InvalidArgument, "FIELD_INVALID");
        let anonymous = as_caller(&Caller::Anonymous, ListAlbumsRequest::default());
        assert_eq!(world.api.list_albums(anonymous).await.unwrap_err().code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn a_scan_has_every_album_of_every_owner_as_its_newest_fact_has_it() {
    for world in worlds().await {
        let mut newest = std::collections::BTreeMap::new();
        for n in 0..5 {
            let owner = UserId::new();
            let id = world.tagged(owner, said("song", &["Ada"], &format!("album {n}"), "")).await;
            world.tagged(owner, said("more", &["Ada"], &format!("album {n}"), "")).await;
            let gone = world.tagged(owner, said("song", &["Ada"], "gone", "")).await;
            world.relay().await;
            if n == 0 {
                show(&world, owner, id, Visibility::Public).await;
            }
            world.delete(owner, gone).await;
            world.relay().await;
        }
        for (_, version, album) in told(&world).await {
            newest.insert(album.album_id.clone(), (version, album));
        }
        newest.retain(|_, (_, album)| album.song_count > 0);
        assert_eq!(newest.len(), 5);
        for page_size in [1, 2, 5, 0] {
            let (mut seen, mut page_token) = (Vec::new(), String::new());
            loop {
                let role = Caller::Role("search".into());
                let request = ScanAlbumsRequest { page_size, page_token };
                let page = world.api.scan_albums(as_caller(&role, request)).await.unwrap().into_inner();
                seen.extend(page.albums);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(seen.len(), 5, "{}", world.test.engine);
            for (album, (id, (version, told))) in seen.iter().zip(&newest) {
                assert_eq!(
                    (&album.album_id, album.version, album.song_count),
                    (id, *version, told.song_count)
                );
                assert_eq!((&album.title, album.duration_ms), (&told.title, told.duration_ms));
                assert_eq!(album.visibility().as_str_name(), format!("VISIBILITY_{}", told.visibility));
                assert_eq!(album.create_time, told.create_time);
            }
        }
    }
}
