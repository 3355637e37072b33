use super::world::{World, by, fails, worlds};
use futures::StreamExt;
use segue_domain::{PlaylistId, SongId, UserId};
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::{Code, Status};

async fn import(world: &World, user: UserId, content: &[u8]) -> Result<ImportPlaylistResponse, Status> {
    let request = ImportPlaylistRequest { content: content.to_vec(), ..Default::default() };
    Ok(world.api.import_playlist(by(user, request)).await?.into_inner())
}

async fn export(world: &World, user: UserId, playlist: &str, format: Format) -> Result<Vec<u8>, Status> {
    let request = ExportPlaylistRequest { playlist_id: playlist.into(), format: format.into() };
    let mut pieces = world.api.export_playlist(by(user, request)).await?.into_inner();
    let mut file = Vec::new();
    while let Some(piece) = pieces.next().await {
        file.extend(piece?.content);
    }
    Ok(file)
}

async fn songs(world: &World, user: UserId, playlist: &str) -> Vec<String> {
    world.items(user, playlist).await.into_iter().map(|item| item.song_id).collect()
}

#[tokio::test]
async fn what_was_exported_is_found_again_by_id() {
    for world in worlds().await {
        let (owner, other) = (UserId::new(), UserId::new());
        let playlist = world.create(owner, Visibility::Private).await;
        let odd = world.song_with(owner, Visibility::Private, |song| {
            song.title = "a <b> & \"c\" ]]> \u{0}\n#EXTINF:1,x".into();
            song.artists = vec!["AC/DC".into(), "P!nk".into()];
        });
        let public = world.song(other, Visibility::Public);
        let mut wanted = vec![odd, public, odd];
        wanted.extend((0..250).map(|_| world.song(owner, Visibility::Private)));
        for some in wanted.chunks(200) {
            world.add(owner, &playlist, some, None).await.unwrap();
        }
        let wanted: Vec<String> = wanted.iter().map(SongId::to_string).collect();
        for format in [Format::M3u8, Format::Xspf, Format::Unspecified] {
            let file = export(&world, owner, &playlist, format).await.unwrap();
            let text = String::from_utf8(file.clone()).unwrap();
            assert!(text.contains(&format!("segue:song:{public}")));
            if format != Format::Xspf {
                assert!(text.starts_with("#EXTM3U\n#PLAYLIST:mix\n"), "{}", &text[..60]);
                assert!(
                    text.contains(&format!("#EXTINF:180,artist - title {public}\n#SEGUE-SONG:{public}\n"))
                );
                assert_eq!(text.lines().count(), 2 + 3 * wanted.len());
            }
            let read = import(&world, owner, &file).await.unwrap();
            assert_eq!((read.matched, read.missing_count, read.missing.len()), (253, 0, 0));
            let made = read.playlist.unwrap();
            assert_eq!((made.title.as_str(), made.item_count, made.duration_ms), ("mix", 253, 253 * 180_000));
            assert_eq!(songs(&world, owner, &made.playlist_id).await, wanted);
        }
        // Somebody else finds what they see, and hears what they do not.
        let file = export(&world, owner, &playlist, Format::Xspf).await.unwrap();
        let read = import(&world, other, &file).await.unwrap();
        assert_eq!((read.matched, read.missing_count), (1, 252));
        assert_eq!((read.missing[0].position, read.missing[1].position), (1, 3));
        fails(export(&world, other, &playlist, Format::Xspf).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
    }
}

#[tokio::test]
async fn other_programs_files_are_matched_by_what_they_say() {
    for world in worlds().await {
        let owner = UserId::new();
        let named = world.song_with(owner, Visibility::Private, |song| {
            song.title = "Café".into();
            song.artists = vec!["Zoë".into()];
        });
        let coded = world.song_with(owner, Visibility::Private, |song| song.isrc = "USRC17607839".into());
        let recorded = world.song_with(owner, Visibility::Private, |song| {
            song.musicbrainz_id = "b1a9c0e9-d987-4042-ae91-78d6a3267d69".into();
        });
        let m3u = "#EXTM3U\r\n#EXTINF:180 tvg=\"a,b\",Zoë - Café\r\nC:\\Music\\..\\..\\x.mp3\r\n\r\n\
                   #EXTINF:-1,Nobody - Nothing\r\n/etc/passwd\r\n../../Zoë - Café.flac\r\n";
        let latin: Vec<u8> = m3u.chars().map(|c| c as u8).collect();
        for file in [m3u.as_bytes(), &latin, &[b"\xEF\xBB\xBF", m3u.as_bytes()].concat()] {
            let read = import(&world, owner, file).await.unwrap();
            let missing = MissingEntry { position: 6, text: "Nobody - Nothing".into() };
            assert_eq!((read.matched, read.missing_count, read.missing), (2, 1, vec![missing]));
            let made = read.playlist.unwrap();
            assert_eq!(made.title, "Imported playlist");
            assert_eq!(songs(&world, owner, &made.playlist_id).await, [named, named].map(String::from));
        }
        // Streams have no names of files; what is said of them is enough.
        let streams = "#EXTINF:180,Zoë - Café\nhttps://radio.example/stream?token=1\n";
        let read = import(&world, owner, streams.as_bytes()).await.unwrap();
        assert_eq!((read.matched, read.missing_count), (1, 0));
        let xspf = "<?xml version=\"1.0\"?><!DOCTYPE p [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b SYSTEM \"file:///etc/passwd\">]>\
            <playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\"><title>Mine &amp; &#x79;ours</title><trackList>\
            <track><identifier>urn:isrc:US-RC1-76-07839</identifier><title>x</title></track>\
            <track><identifier>https://musicbrainz.org/recording/b1a9c0e9-d987-4042-ae91-78d6a3267d69</identifier></track>\
            <track><title>&b;&a;lost</title><location>file:///etc/passwd</location></track>\
            <track><creator><![CDATA[Zoë]]></creator><title>Caf&#233;</title></track></trackList></playlist>";
        let read = import(&world, owner, xspf.as_bytes()).await.unwrap();
        let missing = MissingEntry { position: 3, text: "lost".into() };
        assert_eq!((read.matched, read.missing_count, read.missing), (3, 1, vec![missing]));
        let made = read.playlist.unwrap();
        assert_eq!(made.title, "Mine & yours");
        assert_eq!(songs(&world, owner, &made.playlist_id).await, [coded, recorded, named].map(String::from));
    }
}

#[tokio::test]
async fn a_file_of_a_million_lines_is_read_as_far_as_it_fits() {
    for world in worlds().await {
        let owner = UserId::new();
        let lost = format!("#EXTM3U\n{}", "a\n".repeat(1_000_000));
        let read = import(&world, owner, lost.as_bytes()).await.unwrap();
        assert_eq!((read.matched, read.missing_count, read.missing.len()), (0, 1_000_000, 1_000));
        assert_eq!(read.playlist.unwrap().item_count, 0);
        let song = world.song(owner, Visibility::Private);
        let many = format!("segue:song:{song}\n").repeat(10_001);
        let read = import(&world, owner, many.as_bytes()).await.unwrap();
        assert_eq!((read.matched, read.missing_count), (10_000, 1));
    }
}

#[tokio::test]
async fn what_is_no_playlist_is_refused() {
    for world in worlds().await {
        let owner = UserId::new();
        let deep = format!("<playlist>{}", "<a>".repeat(100));
        for file in [
            &b""[..],
            b"ID3\0\0\0",
            &vec![b'a'; (3 << 20) + 1],
            b"<playlist><trackList>",
            b"<playlist></trackList>",
            b"<html><body/></html>",
            b"# Notes\n\nBuy milk. Call Zoe, see notes.txt\nThe rest tomorrow.\nAnd so on.\n",
            b"# Nothing\n",
            b"<",
            deep.as_bytes(),
        ] {
            fails(import(&world, owner, file).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        *world.songs.away.lock().unwrap() = true;
        fails(import(&world, owner, b"a.mp3").await, Code::Unavailable, "ROLE_UNAVAILABLE");
        assert_eq!(world.rows("playlists").await, 0);
    }
}

#[tokio::test]
async fn an_import_is_made_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let song = world.song(owner, Visibility::Private);
        let wish = |content: &str| ImportPlaylistRequest {
            request_id: ID.into(),
            title: "t".into(),
            content: content.into(),
            ..Default::default()
        };
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let content = format!("#SEGUE-SONG:{song}\nx.mp3\nlost.mp3\n");
        let first = world.api.import_playlist(by(owner, wish(&content))).await.unwrap().into_inner();
        let again = world.api.import_playlist(by(owner, wish(&content))).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!((first.matched, first.missing_count), (1, 1));
        let made = first.playlist.unwrap();
        assert_eq!(made.playlist_id.parse::<PlaylistId>().unwrap().to_string(), ID);
        let other = world.api.import_playlist(by(owner, wish("y.mp3"))).await;
        fails(other, Code::AlreadyExists, "REQUEST_ALREADY_EXISTS");
    }
}
