//! Albums, artists and playlists beside songs.

use crate::rig::*;
use segue_domain::Clock;
use segue_domain::{EventId, PlaylistId, SongId, SystemClock, Timestamp, UserId};
use segue_mesh::to_proto;
use segue_ports::{bus::Bus, index::popularity};
use segue_proto::{
    event::v1::{AlbumChanged, ArtistChanged, Event, PlaylistChanged, SongCount, SongsPlayed, event::Data},
    playlist::v1::ScannedPlaylist,
    search::v1::{DifferenceKind, Kind, SearchRequest, SearchResult, search_result::Item},
    song::v1::{ScannedAlbum, ScannedArtist, Visibility},
};
use std::time::Duration;

pub(crate) fn event(kind: &str, subject: &str, sequence: u64, data: Data) -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: kind.into(),
        subject: subject.into(),
        sequence,
        time: Some(to_proto(SystemClock.now())),
        shard_key: subject.into(),
        data: Some(data),
    }
}

fn album(title: &str) -> AlbumChanged {
    AlbumChanged {
        album_id: format!("album of {title}"),
        owner_id: UserId::new().to_string(),
        visibility: "PUBLIC".into(),
        title: title.into(),
        album_artist: "Somebody".into(),
        genre: "Jazz".into(),
        year: 1971,
        song_count: 9,
        duration_ms: 2_400_000,
        create_time: Some(to_proto(CREATED)),
    }
}

fn artist(name: &str) -> ArtistChanged {
    ArtistChanged {
        artist_id: format!("artist {name}"),
        owner_id: UserId::new().to_string(),
        visibility: "PUBLIC".into(),
        name: name.into(),
        song_count: 31,
        create_time: Some(to_proto(CREATED)),
    }
}

fn playlist(title: &str, people: &[UserId]) -> PlaylistChanged {
    PlaylistChanged {
        playlist_id: PlaylistId::new().to_string(),
        owner_id: UserId::new().to_string(),
        visibility: "PRIVATE".into(),
        title: title.into(),
        description: "for the road".into(),
        item_count: 5,
        duration_ms: 900_000,
        create_time: Some(to_proto(CREATED)),
        collaborator_ids: people.iter().map(UserId::to_string).collect(),
        former_collaborator_id: String::new(),
    }
}

async fn publish(rig: &Rig, events: &[Event]) {
    rig.bus.publish(events.iter().map(message).collect()).await.unwrap();
}

async fn results(rig: &Rig, who: &Who, text: &str) -> Vec<SearchResult> {
    let request = SearchRequest { query: text.into(), ..Default::default() };
    rig.ask(who, request).await.unwrap().results
}

#[tokio::test]
async fn albums_artists_and_playlists_are_found_as_facts_say() {
    let rig = Rig::running(config()).await;
    let friend = UserId::new();
    let (album, artist, list) = (album("tune book"), artist("tune smith"), playlist("tune list", &[friend]));
    publish(
        &rig,
        &[
            event("album.updated.v1", &album.album_id, 3, Data::AlbumUpdated(album.clone())),
            event("artist.updated.v1", &artist.artist_id, 2, Data::ArtistUpdated(artist.clone())),
            event("playlist.created.v1", &list.playlist_id, 1, Data::PlaylistCreated(list.clone())),
        ],
    )
    .await;
    let friend = Who::user(friend);
    eventually("all are there", async || results(&rig, &friend, "tune").await.len() == 3).await;
    assert_eq!(results(&rig, &Who::user(UserId::new()), "tune").await.len(), 2, "the playlist is private");
    for result in results(&rig, &friend, "tune").await {
        match result.item.unwrap() {
            Item::Album(item) => {
                assert_eq!((item.album_id, item.album_artist), (album.album_id.clone(), "Somebody".into()));
                assert_eq!((item.year, item.song_count, item.duration_ms), (1971, 9, 2_400_000));
            }
            Item::Artist(item) => assert_eq!((item.name, item.song_count), ("tune smith".into(), 31)),
            Item::Playlist(item) => {
                assert_eq!((item.description.as_str(), item.item_count), ("for the road", 5));
                assert_eq!(item.create_time, Some(to_proto(CREATED)));
            }
            Item::Song(song) => panic!("not a song: {song:?}"),
        }
    }
    let artists =
        SearchRequest { query: "tune".into(), kinds: vec![Kind::Artist.into()], ..Default::default() };
    assert_eq!(rig.ask(&friend, artists).await.unwrap().results.len(), 1);

    let left = PlaylistChanged { collaborator_ids: Vec::new(), ..list.clone() };
    publish(
        &rig,
        &[
            event("playlist.updated.v1", &left.playlist_id, 2, Data::PlaylistUpdated(left.clone())),
            event("album.deleted.v1", &album.album_id, 4, Data::AlbumDeleted(album.clone())),
            event("album.updated.v1", &album.album_id, 3, Data::AlbumUpdated(album.clone())),
        ],
    )
    .await;
    eventually("one is left", async || results(&rig, &friend, "tune").await.len() == 1).await;
    publish(&rig, &[event("artist.deleted.v1", &artist.artist_id, 3, Data::ArtistDeleted(artist.clone()))])
        .await;
    let owner = Who::user(list.owner_id.parse().unwrap());
    publish(&rig, &[event("playlist.deleted.v1", &list.playlist_id, 3, Data::PlaylistDeleted(list.clone()))])
        .await;
    eventually("none is left", async || results(&rig, &owner, "tune").await.is_empty()).await;
    rig.stop().await;
}

#[tokio::test]
async fn songs_are_as_popular_as_they_were_heard() {
    let rig = Rig::running(config()).await;
    let (song, other) = (SongId::new().to_string(), SongId::new().to_string());
    let count = |song: &str, plays| SongCount { song_id: song.into(), plays, skips: 1, likes: 2 };
    let played = |sequence, counts| {
        event("songs.played.v1", "series", sequence, Data::SongsPlayed(SongsPlayed { counts }))
    };
    publish(
        &rig,
        &[played(1, vec![count(&song, 10), count(&other, 7)]), played(2, vec![count(&song, 5_000)])],
    )
    .await;
    let rating = |id: &str| rig.index.with(|state| state.ratings.get(id).copied());
    eventually("they are rated", async || rating(&song) == Some(popularity(5_000))).await;
    assert_eq!(rating(&other), Some(popularity(7)));
    let wrong = played(3, vec![count("not an id", 1)]);
    publish(&rig, &[wrong]).await;
    eventually("what is no rating is parked", async || {
        rig.bus.dead_letters("search-index").await.unwrap().len() == 1
    })
    .await;
    rig.stop().await;
}

fn rows(rig: &Rig) -> (String, String, String) {
    let id = PlaylistId::new().to_string();
    let (album_id, artist_id, owner_id) = ("an album", "an artist", UserId::new().to_string());
    let visibility = Visibility::Public.into();
    let create_time = Some(to_proto(Timestamp(5)));
    for n in 0..3 {
        let album_id = if n == 0 { album_id.to_owned() } else { format!("{album_id} {n}") };
        let row = ScannedAlbum {
            album_id: album_id.clone(),
            version: 2,
            owner_id: owner_id.clone(),
            visibility,
            title: "tune".into(),
            create_time,
            ..Default::default()
        };
        rig.songs.albums.lock().unwrap().insert(album_id, row);
    }
    let artist = ScannedArtist {
        artist_id: artist_id.into(),
        version: 2,
        owner_id: owner_id.clone(),
        visibility,
        name: "tune".into(),
        song_count: 4,
        create_time,
    };
    rig.songs.artists.lock().unwrap().insert(artist_id.into(), artist);
    let list = ScannedPlaylist {
        playlist_id: id.clone(),
        version: 7,
        owner_id,
        visibility,
        title: "tune".into(),
        collaborator_ids: vec![UserId::new().to_string(), UserId::new().to_string()],
        create_time,
        ..Default::default()
    };
    rig.playlists.rows.lock().unwrap().insert(id.clone(), list);
    (album_id.into(), artist_id.into(), id)
}

#[tokio::test]
async fn all_kinds_are_rebuilt_and_compared() {
    let rig = Rig::running(config()).await;
    let (album, artist, list) = rows(&rig);
    rig.songs.insert(Fact::ready("tune").row());
    assert_eq!(rig.rebuild().await.unwrap().last().unwrap().songs, 1);
    assert_eq!(results(&rig, &Who::Anonymous, "tune").await.len(), 6);
    assert!(rig.verify().await.unwrap().iter().all(|said| said.difference.is_none()));
    rig.songs.albums.lock().unwrap().get_mut(&album).unwrap().song_count = 2;
    rig.songs.artists.lock().unwrap().clear();
    rig.playlists.rows.lock().unwrap().get_mut(&list).unwrap().collaborator_ids.pop();
    let differences: Vec<_> =
        rig.verify().await.unwrap().into_iter().filter_map(|said| said.difference).collect();
    let summary: Vec<_> = differences
        .iter()
        .map(|d| (d.kind(), d.difference_kind(), d.id.clone(), d.fields.join(",")))
        .collect();
    let expected = [
        (Kind::Album, DifferenceKind::Stale, album, "song_count".to_owned()),
        (Kind::Artist, DifferenceKind::Foreign, artist, String::new()),
        (Kind::Playlist, DifferenceKind::Stale, list, "collaborator_ids".to_owned()),
    ];
    assert_eq!(summary, expected);
    rig.stop().await;
}

#[tokio::test]
async fn a_playlist_service_that_is_away_is_waited_for() {
    let rig = Rig::running(config()).await;
    rows(&rig);
    *rig.playlists.away.lock().unwrap() = true;
    let (rebuilt, ()) = tokio::join!(rig.rebuild(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(rig.index.documents().is_empty(), "nothing is put in place before");
        *rig.playlists.away.lock().unwrap() = false;
    });
    assert!(rebuilt.unwrap().last().unwrap().done);
    assert_eq!(rig.index.documents().len(), 5);
    rig.stop().await;
}
