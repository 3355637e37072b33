//! ListArtists, GetArtist, ListArtistSongs and ScanArtists.

use super::world::*;
use segue_domain::{ArtistId, UserId};
use segue_mesh::Caller;
use segue_proto::song::v1::{song_service_server::SongService, *};
use tonic::Code;

async fn artists(world: &World, caller: &Caller, owner: UserId, page_size: i32) -> Vec<Artist> {
    let (mut artists, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListArtistsRequest { page_size, page_token, owner_id: owner.to_string() };
        let page = world.api.list_artists(as_caller(caller, request)).await.unwrap().into_inner();
        artists.extend(page.artists);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return artists;
        }
    }
}

#[tokio::test]
async fn every_name_in_the_tags_is_an_artist_with_their_songs() {
    for world in worlds().await {
        let owner = UserId::new();
        let mut ids = Vec::new();
        for (title, names, album, year, track) in [
            ("late", &["Zoë", "Ada feat. Bo"][..], "B", 2001, 1),
            ("second", &["zoë", "ZOË"], "A", 1999, 2),
            ("first", &["Zoë"], "A", 1999, 1),
            ("single", &["zoë"], "", 1999, 0),
        ] {
            let mut song = said(title, names, album, "");
            let tags = song.tags.as_mut().unwrap();
            (tags.year, tags.track_number) = (year, track);
            ids.push(world.tagged(owner, song).await.to_string());
        }
        world.relay().await;
        let caller = user(owner);
        let zoe = ArtistId::of(owner, "Zoë").unwrap().to_string();
        for page_size in [1, 2, 50] {
            let found = artists(&world, &caller, owner, page_size).await;
            let names: Vec<_> =
                found.iter().map(|a| (a.name.as_str(), a.song_count, a.album_count)).collect();
            assert_eq!(names, [("Ada feat. Bo", 1, 1), ("Zoë", 4, 2)], "names are not taken apart");
            assert_eq!((found[1].artist_id.as_str(), found[1].duration_ms), (zoe.as_str(), 720_000));
            let request = GetArtistRequest { artist_id: zoe.clone() };
            let got = world.api.get_artist(by(owner, request)).await.unwrap().into_inner().artist;
            assert_eq!(got.as_ref(), found.get(1));
        }
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListArtistSongsRequest { artist_id: zoe.clone(), page_size: 1, page_token };
            let page = world.api.list_artist_songs(by(owner, request)).await.unwrap().into_inner();
            seen.extend(page.songs.into_iter().map(|song| song.song_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, [3, 2, 1, 0].map(|n: usize| ids[n].clone()), "{}", world.test.engine);

        let stranger = user(UserId::new());
        let request = || GetArtistRequest { artist_id: zoe.clone() };
        let got = world.api.get_artist(as_caller(&stranger, request())).await;
        fails(got, Code::NotFound, "ARTIST_NOT_FOUND");
        assert_eq!(artists(&world, &stranger, owner, 50).await, []);
        let public =
            Song { song_id: ids[1].clone(), visibility: Visibility::Public.into(), ..Default::default() };
        world.edit(owner, public, &["visibility"]).await;
        world.relay().await;
        let got = world.api.get_artist(as_caller(&Caller::Anonymous, request())).await.unwrap().into_inner();
        let artist = got.artist.unwrap();
        assert_eq!((artist.song_count, artist.album_count, artist.duration_ms), (1, 1, 180_000));
        assert_eq!(artists(&world, &stranger, owner, 50).await.len(), 1);

        let role = Caller::Role("search".into());
        let scanned = world.api.scan_artists(as_caller(&role, ScanArtistsRequest::default())).await.unwrap();
        let mut scanned: Vec<_> =
            scanned.into_inner().artists.into_iter().map(|a| (a.name, a.song_count, a.visibility)).collect();
        scanned.sort();
        let (private, public) = (Visibility::Private.into(), Visibility::Public.into());
        assert_eq!(
            scanned,
            [("Ada feat. Bo".to_owned(), 1, private), ("zoë".to_owned(), 1, public)],
            "only what all may see"
        );
    }
}
