//! Tables that are younger than the songs in them.

use super::{albums::albums, world::*};
use crate::{
    Song,
    repository::{By, Filling},
    shelf::{Kind, Shelf},
};
use sea_orm::{ConnectionTrait, Statement, prelude::Uuid};
use segue_domain::UserId;
use segue_proto::song::v1::{
    ListAlbumsRequest, MatchSongsRequest, SongHint, song_service_server::SongService,
};

/// Makes the database what a program of before has left, and then brings its tables up to date.
async fn upgrade(world: &World) {
    let run = async |sql: String| {
        let db = &world.test.store.primaries()[0];
        db.execute_raw(Statement::from_string(world.test.store.backend(), sql)).await.unwrap();
    };
    for index in ["title_key", "isrc", "musicbrainz_id"] {
        run(format!("DROP INDEX owner_songs_by_{index}")).await;
    }
    for column in ["title_key", "artists_key", "isrc", "musicbrainz_id", "duration_ms"] {
        run(format!("ALTER TABLE owner_songs DROP COLUMN {column}")).await;
    }
    for column in ["isrc", "musicbrainz_id", "lyrics"] {
        run(format!("ALTER TABLE songs DROP COLUMN {column}")).await;
    }
    for table in ["song_places", "song_fillings", "gone_owners"] {
        run(format!("DROP TABLE {table}")).await;
    }
    for kind in ["album", "artist"] {
        for table in [format!("{kind}s"), format!("{kind}_songs"), format!("owner_{kind}s")] {
            run(format!("DROP TABLE {table}")).await;
        }
    }
    run("DELETE FROM song_migrations WHERE version <> 'm0001_create_songs'".into()).await;
    run("DELETE FROM outbox".into()).await;
    assert!(Song::migrated(&world.test.store).await.is_err());
    for _ in 0..2 {
        Song::migrate(&world.test.store).await.unwrap();
    }
    Song::migrated(&world.test.store).await.unwrap();
}

#[tokio::test]
async fn songs_of_before_come_to_their_albums_and_can_be_matched() {
    for world in worlds().await {
        let owner = UserId::new();
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(world.tagged(owner, said(&format!("song {n}"), &["Ada"], "Album", "")).await);
        }
        let gone = world.tagged(owner, said("gone", &["Ada"], "Album", "")).await;
        world.create(owner, 5).await;
        world.relay().await;
        world.delete(owner, gone).await;
        world.relay().await;
        upgrade(&world).await;
        let none = world.process(|_| ());
        assert_eq!(none.role().list.matching(owner, By::TitleKey, &["song 3".into()], 9).await.unwrap(), []);
        // Two processes at once, and another later.
        let (one, other) = (world.process(|_| ()), world.process(|_| ()));
        tokio::join!(one.role().fill(), other.role().fill());
        one.role().fill().await;
        assert!(one.role().fillings.find().await.unwrap().done);
        let album = Shelf::Album(world.row(ids[0]).await.album_id().unwrap());
        let before = one.role().shelves.find(album).await.unwrap().expect("it is filled");
        assert_eq!(before.for_owner.songs, 5, "{}", world.test.engine);
        let listed = one.role().shelf_lists.of_owner(Kind::Album, owner, false, None, 10).await.unwrap();
        assert_eq!(listed.len(), 1);
        let hints = vec![SongHint { title: "Song 3".into(), artist: "ada".into(), ..Default::default() }];
        let matches =
            world.api.match_songs(by(owner, MatchSongsRequest { hints })).await.unwrap().into_inner();
        assert_eq!(matches.matches[0].song_id, ids[3].to_string());
        assert_eq!(matches.matches[0].duration_ms, 180_000);
        // Facts of before that come late change nothing.
        for id in &ids {
            one.role().place(*id, 1).await.unwrap();
        }
        assert_eq!(one.role().shelves.find(album).await.unwrap(), Some(before));
    }
}

#[tokio::test]
async fn a_filling_goes_on_from_where_any_process_has_come_to() {
    for world in worlds().await {
        let owner = UserId::new();
        let first = world.tagged(owner, said("a", &["Ada"], "First", "")).await;
        let second = world.tagged(owner, said("b", &["Ada"], "Second", "")).await;
        let fillings = &world.role().fillings;
        let filling = Filling { reached: first.uuid(), done: false };
        fillings.put(filling).await.unwrap();
        // One that is behind does not take it back.
        fillings.put(Filling { reached: Uuid::nil(), done: false }).await.unwrap();
        assert_eq!(fillings.find().await.unwrap(), filling);
        world.role().fill().await;
        let found = albums(&world, &user(owner), ListAlbumsRequest::default()).await;
        assert_eq!(found.iter().map(|a| a.title.as_str()).collect::<Vec<_>>(), ["Second"]);
        assert_eq!(fillings.find().await.unwrap().reached, second.uuid());
    }
}
