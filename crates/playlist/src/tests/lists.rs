use super::world::{World, by, fails, worlds, worlds_with};
use crate::{PlaylistConfig, consume::Inbox};
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use std::time::Duration;
use tonic::{Code, Status};

async fn follow(world: &World, user: UserId, playlist: &str) -> Result<(), Status> {
    let request = FollowPlaylistRequest { playlist_id: playlist.into() };
    world.api.follow_playlist(by(user, request)).await.map(drop)
}

async fn unfollow(world: &World, user: UserId, playlist: &str) {
    let request = UnfollowPlaylistRequest { playlist_id: playlist.into() };
    world.api.unfollow_playlist(by(user, request)).await.unwrap();
}

#[tokio::test]
async fn a_list_holds_what_is_owned_shared_and_followed() {
    for world in worlds().await {
        let (ada, bob) = (world.account("ada@x"), world.account("bob@x"));
        let mut made = Vec::new();
        for owner in [ada, bob, bob] {
            made.push(world.create(owner, Visibility::Public).await);
            world.advance(Duration::from_secs(1));
        }
        let share = SetCollaboratorRequest {
            playlist_id: made[1].clone(),
            user: "ada@x".into(),
            role: Role::Viewer.into(),
        };
        world.api.set_collaborator(by(bob, share)).await.unwrap();
        world.relay().await;
        follow(&world, ada, &made[2]).await.unwrap();
        follow(&world, ada, &made[2]).await.unwrap();
        assert_eq!(world.list(ada, Relation::Owned).await, [made[0].clone()]);
        assert_eq!(world.list(ada, Relation::Shared).await, [made[1].clone()]);
        assert_eq!(world.list(ada, Relation::Followed).await, [made[2].clone()]);
        assert_eq!(
            world.list(ada, Relation::Unspecified).await,
            [&made[1], &made[2], &made[0]].map(String::clone)
        );
        assert!(world.get(ada, &made[2]).await.unwrap().followed);
        assert!(!world.get(bob, &made[2]).await.unwrap().followed);

        // What changes comes first, also when it is only followed.
        world.advance(Duration::from_secs(1));
        world.add(bob, &made[2], &[world.public()], None).await.unwrap();
        assert_eq!(world.list(ada, Relation::Unspecified).await[0], made[2]);

        // What is followed and hidden is not shown, and comes back; what is deleted does not.
        let hide = async |visibility: Visibility| {
            let mask = prost_types::FieldMask { paths: vec!["visibility".into()] };
            let playlist_id = made[2].clone();
            let wish = Playlist { playlist_id, visibility: visibility.into(), ..Default::default() };
            let update = UpdatePlaylistRequest { playlist: Some(wish), update_mask: Some(mask) };
            world.api.update_playlist(by(bob, update)).await.unwrap();
        };
        hide(Visibility::Private).await;
        assert_eq!(world.list(ada, Relation::Followed).await.len(), 0);
        hide(Visibility::Unlisted).await;
        assert_eq!(world.list(ada, Relation::Followed).await.len(), 1);
        unfollow(&world, ada, &made[2]).await;
        unfollow(&world, ada, &made[2]).await;
        assert_eq!(world.list(ada, Relation::Followed).await.len(), 0);
        follow(&world, ada, &made[2]).await.unwrap();
        for playlist in &made[1..] {
            let delete = DeletePlaylistRequest { playlist_id: playlist.clone(), etag: String::new() };
            world.api.delete_playlist(by(bob, delete)).await.unwrap();
        }
        world.relay().await;
        assert_eq!(world.list(ada, Relation::Unspecified).await, [made[0].clone()]);
    }
}

#[tokio::test]
async fn facts_may_come_late_and_twice() {
    for world in worlds().await {
        let (ada, bob) = (world.account("ada@x"), world.account("bob@x"));
        let playlist = world.create(ada, Visibility::Private).await;
        let share = SetCollaboratorRequest {
            playlist_id: playlist.clone(),
            user: "bob@x".into(),
            role: Role::Viewer.into(),
        };
        world.api.set_collaborator(by(ada, share)).await.unwrap();
        let leave = RemoveCollaboratorRequest { playlist_id: playlist.clone(), user_id: bob.to_string() };
        world.api.remove_collaborator(by(bob, leave)).await.unwrap();
        let delete = DeletePlaylistRequest { playlist_id: playlist.clone(), etag: String::new() };
        let facts = world.facts().await;
        world.api.delete_playlist(by(ada, delete)).await.unwrap();
        let end = world.facts().await;
        let late: Vec<_> = end.iter().chain(facts.iter().rev()).chain(&facts).cloned().collect();
        for some in late.chunks(2) {
            world.role.handle(Inbox::Lists, some.to_vec()).await.unwrap();
        }
        for user in [ada, bob] {
            assert_eq!(world.list(user, Relation::Unspecified).await.len(), 0);
        }
    }
}

#[tokio::test]
async fn lists_have_pages() {
    for world in worlds().await {
        let ada = UserId::new();
        let mut made = Vec::new();
        for n in 0..7 {
            made.push(world.create(ada, Visibility::Private).await);
            if n % 2 == 0 {
                world.advance(Duration::from_secs(1));
            }
        }
        world.relay().await;
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListPlaylistsRequest { page_size: 2, page_token, ..Default::default() };
            let page = world.api.list_playlists(by(ada, request)).await.unwrap().into_inner();
            found.extend(page.playlists.into_iter().map(|playlist| playlist.playlist_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        made.reverse();
        assert_eq!(found, made);
    }
}

#[tokio::test]
async fn what_can_be_followed_is_what_is_seen() {
    for world in worlds_with(PlaylistConfig { max_followed_per_user: 1, ..Default::default() }).await {
        let (ada, bob) = (UserId::new(), UserId::new());
        let private = world.create(bob, Visibility::Private).await;
        let public = world.create(bob, Visibility::Public).await;
        fails(follow(&world, ada, &private).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        fails(follow(&world, bob, &public).await, Code::InvalidArgument, "FIELD_INVALID");
        follow(&world, ada, &public).await.unwrap();
        let more = world.create(bob, Visibility::Public).await;
        fails(follow(&world, ada, &more).await, Code::ResourceExhausted, "LIMIT_REACHED");
        follow(&world, ada, &public).await.unwrap();
    }
}
