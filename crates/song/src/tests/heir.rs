//! Accounts that are gone, and who gets their songs.

use super::{
    albums::{albums, songs},
    world::*,
};
use crate::consume::Inbox;
use segue_domain::{SongId, UserId};
use segue_proto::{
    event::v1::{UserChanged, event::Data},
    song::v1::{song_service_server::SongService, *},
};

async fn gone(world: &World, owner: UserId, heir: Option<UserId>) {
    let user = UserChanged {
        user_id: owner.to_string(),
        heir_id: heir.map(String::from).unwrap_or_default(),
        ..Default::default()
    };
    world.handle(Inbox::Users, Data::UserDeleted(user)).await;
}

async fn listed(world: &World, owner: UserId) -> Vec<String> {
    let mut ids: Vec<String> = world
        .api
        .list_songs(by(owner, ListSongsRequest::default()))
        .await
        .unwrap()
        .into_inner()
        .songs
        .into_iter()
        .map(|song| song.song_id)
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn an_heir_gets_songs_albums_and_artists() {
    for world in worlds().await {
        let (owner, heir) = (UserId::new(), UserId::new());
        let id = world.tagged(owner, said("a", &["Ada"], "Album", "")).await;
        let begun = world.create(owner, 5).await;
        let own = world.tagged(heir, said("b", &["ada"], "ALBUM", "")).await;
        world.relay().await;
        let before = world.row(id).await;
        for _ in 0..2 {
            gone(&world, owner, Some(heir)).await;
        }
        let after = world.row(id).await;
        assert_eq!((after.owner, after.version), (heir, before.version + 1), "once");
        assert_eq!(
            (&after.upload, &after.output, &after.original),
            (&before.upload, &before.output, &before.original)
        );
        world.relay().await;
        assert_eq!(listed(&world, owner).await, [""; 0], "{}", world.test.engine);
        let mut want = [id, begun, own].map(|id| id.to_string());
        want.sort();
        assert_eq!(listed(&world, heir).await, want);
        assert_eq!(albums(&world, &user(owner), ListAlbumsRequest::default()).await, []);
        let found = albums(&world, &user(heir), ListAlbumsRequest::default()).await;
        assert_eq!((found.len(), found[0].song_count), (1, 2), "theirs of the same name takes it in");
        let on = songs(&world, &user(heir), &found[0].album_id, 50).await;
        assert_eq!(on, [id.to_string(), own.to_string()]);
        let page = world.role().garbage.due(world.role().now(), 10).await.unwrap();
        assert_eq!(page, [], "its bytes stay where they are");
    }
}

#[tokio::test]
async fn heirs_that_are_gone_too_hand_on_and_without_one_songs_are_deleted() {
    for world in worlds().await {
        let [a, b, c, d] = [(); 4].map(|()| UserId::new());
        let of_a = world.ready(a).await;
        // The facts come in the wrong order: b was gone when it got the songs of a.
        gone(&world, b, Some(c)).await;
        gone(&world, a, Some(b)).await;
        assert_eq!(world.row(of_a).await.owner, c);
        gone(&world, c, None).await;
        assert!(world.row(of_a).await.deleted.is_some());
        let of_d = world.ready(d).await;
        gone(&world, d, Some(a)).await;
        assert!(world.row(of_d).await.deleted.is_some(), "nobody is left");
        // Each is the heir of the other.
        let [e, f] = [(); 2].map(|()| UserId::new());
        let both: [SongId; 2] = [world.ready(e).await, world.ready(f).await];
        gone(&world, e, Some(f)).await;
        assert_eq!(world.row(both[0]).await.owner, f);
        gone(&world, f, Some(e)).await;
        for id in both {
            assert!(world.row(id).await.deleted.is_some(), "{}", world.test.engine);
        }
    }
}
