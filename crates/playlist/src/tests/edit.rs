use super::world::{World, by, fails, worlds};
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::{Code, Request, Status};

async fn update(world: &World, user: UserId, playlist: Playlist, paths: &[&str]) -> Result<Playlist, Status> {
    let update_mask = Some(prost_types::FieldMask { paths: paths.iter().map(|p| (*p).into()).collect() });
    let request = UpdatePlaylistRequest { playlist: Some(playlist), update_mask };
    Ok(world.api.update_playlist(by(user, request)).await?.into_inner().playlist.unwrap())
}

fn titled(playlist: &str, title: &str, etag: &str) -> Playlist {
    let (playlist_id, title, etag) = (playlist.into(), title.into(), etag.into());
    Playlist { playlist_id, title, etag, ..Default::default() }
}

#[tokio::test]
async fn of_two_editors_with_the_same_etag_one_is_told() {
    for world in worlds().await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        let first = update(&world, owner, titled(&playlist, "one", "1"), &["title"]).await.unwrap();
        assert_eq!((first.title.as_str(), first.etag.as_str()), ("one", "2"));
        let stale = update(&world, owner, titled(&playlist, "two", "1"), &["title"]).await;
        fails(stale, Code::Aborted, "ETAG_STALE");
        assert_eq!(world.get(owner, &playlist).await.unwrap().title, "one");
        // What changes nothing makes no version.
        let same = update(&world, owner, titled(&playlist, "one", "2"), &["title"]).await.unwrap();
        assert_eq!(same.etag, "2");
        let delete = |etag: &str| DeletePlaylistRequest { playlist_id: playlist.clone(), etag: etag.into() };
        fails(world.api.delete_playlist(by(owner, delete("1"))).await, Code::Aborted, "ETAG_STALE");
        world.api.delete_playlist(by(owner, delete("2"))).await.unwrap();
        let again = world.api.delete_playlist(by(owner, delete(""))).await;
        fails(again, Code::NotFound, "PLAYLIST_NOT_FOUND");
    }
}

#[tokio::test]
async fn strangers_learn_nothing_and_those_who_see_may_not_change() {
    for world in worlds().await {
        let (owner, stranger) = (UserId::new(), UserId::new());
        let private = world.create(owner, Visibility::Private).await;
        let public = world.create(owner, Visibility::Public).await;
        let (code, why) = (Code::NotFound, "PLAYLIST_NOT_FOUND");
        fails(world.get(stranger, &private).await, code, why);
        fails(update(&world, stranger, titled(&private, "x", ""), &["title"]).await, code, why);
        fails(world.add(stranger, &private, &[world.public()], None).await, code, why);
        fails(world.page(stranger, &private, 0, "").await, code, why);
        let watch = WatchPlaylistRequest { playlist_id: private.clone() };
        fails(world.api.watch_playlist(by(stranger, watch)).await.map(drop), code, why);
        let export = ExportPlaylistRequest { playlist_id: private.clone(), format: 0 };
        fails(world.api.export_playlist(by(stranger, export)).await.map(drop), code, why);

        let seen = world.get(stranger, &public).await.unwrap();
        assert_eq!((seen.role(), seen.followed), (Role::Unspecified, false));
        let anonymous = Request::new(GetPlaylistRequest { playlist_id: public.clone() });
        assert!(world.api.get_playlist(anonymous).await.is_ok());
        let denied = Code::PermissionDenied;
        fails(update(&world, stranger, titled(&public, "x", ""), &["title"]).await, denied, "NOT_EDITOR");
        fails(world.add(stranger, &public, &[world.public()], None).await, denied, "NOT_EDITOR");
        let delete = DeletePlaylistRequest { playlist_id: public.clone(), etag: String::new() };
        fails(world.api.delete_playlist(by(stranger, delete)).await, denied, "NOT_OWNER");
        assert_eq!(world.get(owner, &public).await.unwrap().etag, "1");
    }
}

#[tokio::test]
async fn a_mask_names_what_can_be_changed() {
    for world in worlds().await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        for paths in [&[][..], &["owner_id"], &["title", "nonsense"]] {
            let refused = update(&world, owner, titled(&playlist, "x", ""), paths).await;
            fails(refused, Code::InvalidArgument, "FIELD_INVALID");
        }
        let wish = Playlist {
            visibility: Visibility::Public.into(),
            refuse_duplicates: true,
            description: "d".into(),
            ..titled(&playlist, "", "")
        };
        let paths = ["visibility", "refuse_duplicates", "description"];
        let changed = update(&world, owner, wish, &paths).await.unwrap();
        assert_eq!((changed.visibility(), changed.refuse_duplicates), (Visibility::Public, true));
        assert_eq!((changed.title.as_str(), changed.description.as_str()), ("mix", "d"));
    }
}

#[tokio::test]
async fn a_deleted_playlist_leaves_a_tombstone_and_nothing_else() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, _) = world.filled(owner, 300).await;
        let invite = CreateInvitationRequest {
            playlist_id: playlist.clone(),
            role: Role::Viewer.into(),
            ttl_seconds: 0,
        };
        world.api.create_invitation(by(owner, invite)).await.unwrap();
        let delete = DeletePlaylistRequest { playlist_id: playlist.clone(), etag: String::new() };
        world.api.delete_playlist(by(owner, delete)).await.unwrap();
        for table in ["playlist_items", "playlist_invitations", "playlist_requests", "playlist_collaborators"]
        {
            assert_eq!(world.rows(table).await, 0, "{table}");
        }
        fails(world.page(owner, &playlist, 0, "").await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        let told = world.facts().await.pop().unwrap();
        assert_eq!((told.r#type.as_str(), told.subject), ("playlist.deleted.v1", playlist));
    }
}
