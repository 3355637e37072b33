use super::world::{World, by, fails, worlds};
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use std::time::Duration;
use tonic::{Code, Status};

async fn share(
    world: &World,
    owner: UserId,
    playlist: &str,
    user: &str,
    role: Role,
) -> Result<Collaborator, Status> {
    let (playlist_id, user) = (playlist.into(), user.into());
    let request = SetCollaboratorRequest { playlist_id, user, role: role.into() };
    Ok(world.api.set_collaborator(by(owner, request)).await?.into_inner().collaborator.unwrap())
}

async fn unshare(world: &World, caller: UserId, playlist: &str, user: impl ToString) -> Result<(), Status> {
    let request = RemoveCollaboratorRequest { playlist_id: playlist.into(), user_id: user.to_string() };
    world.api.remove_collaborator(by(caller, request)).await.map(drop)
}

async fn invite(
    world: &World,
    owner: UserId,
    playlist: &str,
    role: Role,
    ttl: u32,
) -> Result<String, Status> {
    let request =
        CreateInvitationRequest { playlist_id: playlist.into(), role: role.into(), ttl_seconds: ttl };
    Ok(world.api.create_invitation(by(owner, request)).await?.into_inner().token)
}

async fn accept(world: &World, user: UserId, token: &str) -> Result<Playlist, Status> {
    let request = AcceptInvitationRequest { token: token.into() };
    Ok(world.api.accept_invitation(by(user, request)).await?.into_inner().playlist.unwrap())
}

#[tokio::test]
async fn editors_edit_and_viewers_view() {
    for world in worlds().await {
        let owner = UserId::new();
        let (bob, eve) = (world.account("bob@x"), world.account("eve@x"));
        let playlist = world.create(owner, Visibility::Private).await;
        let person = share(&world, owner, &playlist, "bob@x", Role::Editor).await.unwrap();
        assert_eq!((person.user_id.clone(), person.role()), (bob.to_string(), Role::Editor));
        assert_eq!(person.display_name, "bob@x by name");
        share(&world, owner, &playlist, &eve.to_string(), Role::Viewer).await.unwrap();
        let song = world.public();
        let added = world.add(bob, &playlist, &[song], None).await.unwrap();
        assert_eq!(added.items[0].added_by, bob.to_string());
        assert_eq!(world.get(bob, &playlist).await.unwrap().role(), Role::Editor);
        assert_eq!(world.get(eve, &playlist).await.unwrap().role(), Role::Viewer);
        assert_eq!(world.items(eve, &playlist).await.len(), 1);
        let denied = Code::PermissionDenied;
        fails(world.add(eve, &playlist, &[song], None).await, denied, "NOT_EDITOR");
        fails(share(&world, bob, &playlist, "eve@x", Role::Editor).await, denied, "NOT_OWNER");
        fails(invite(&world, bob, &playlist, Role::Viewer, 0).await, denied, "NOT_OWNER");
        fails(unshare(&world, bob, &playlist, eve).await, denied, "NOT_OWNER");
        fails(unshare(&world, bob, &playlist, "eve@x").await, denied, "NOT_OWNER");
        let list = ListCollaboratorsRequest { playlist_id: playlist.clone() };
        let people = world.api.list_collaborators(by(eve, list)).await.unwrap().into_inner().collaborators;
        let said: Vec<_> = people.into_iter().map(|p| (p.user_id, p.display_name)).collect();
        assert_eq!(
            said,
            [(bob, "bob@x"), (eve, "eve@x")].map(|(id, name)| (id.to_string(), format!("{name} by name")))
        );
        let mask = prost_types::FieldMask { paths: vec!["visibility".into()] };
        let wish = Playlist {
            playlist_id: playlist.clone(),
            visibility: Visibility::Public.into(),
            ..Default::default()
        };
        let update = UpdatePlaylistRequest { playlist: Some(wish), update_mask: Some(mask) };
        fails(world.api.update_playlist(by(bob, update)).await, denied, "NOT_OWNER");

        // A change of the part that somebody has, and their leave.
        share(&world, owner, &playlist, "bob@x", Role::Viewer).await.unwrap();
        fails(world.add(bob, &playlist, &[song], None).await, denied, "NOT_EDITOR");
        let etag = world.get(owner, &playlist).await.unwrap().etag;
        share(&world, owner, &playlist, "bob@x", Role::Viewer).await.unwrap();
        assert_eq!(world.get(owner, &playlist).await.unwrap().etag, etag, "a repeat changes nothing");
        unshare(&world, bob, &playlist, bob).await.unwrap();
        unshare(&world, bob, &playlist, bob).await.unwrap();
        fails(world.get(bob, &playlist).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        unshare(&world, owner, &playlist, eve).await.unwrap();
        fails(world.get(eve, &playlist).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        assert_eq!(world.items(owner, &playlist).await.len(), 1, "what they added stays");
        let left = world.facts().await.pop().unwrap();
        let Some(segue_proto::event::v1::event::Data::PlaylistUpdated(header)) = left.data else {
            panic!("{left:?}");
        };
        assert_eq!((header.former_collaborator_id, header.collaborator_ids.len()), (eve.to_string(), 0));
    }
}

#[tokio::test]
async fn collaborators_are_listed_also_while_their_names_are_not_known() {
    for world in worlds().await {
        let owner = UserId::new();
        let bob = world.account("bob@x");
        let playlist = world.create(owner, Visibility::Private).await;
        share(&world, owner, &playlist, "bob@x", Role::Viewer).await.unwrap();
        world.people.0.lock().unwrap().clear();
        let list = ListCollaboratorsRequest { playlist_id: playlist };
        let people = world.api.list_collaborators(by(owner, list)).await.unwrap().into_inner().collaborators;
        assert_eq!((people[0].user_id.clone(), people[0].display_name.as_str()), (bob.to_string(), ""));
    }
}

#[tokio::test]
async fn nobody_is_made_up() {
    for world in worlds().await {
        let owner = UserId::new();
        world.people.0.lock().unwrap().insert("me@x".into(), owner);
        let playlist = world.create(owner, Visibility::Private).await;
        let share = async |user: &str, role| share(&world, owner, &playlist, user, role).await;
        fails(share("eve@x", Role::Viewer).await, Code::NotFound, "USER_NOT_FOUND");
        for (user, role) in [("", Role::Viewer), ("me@x", Role::Viewer), ("x", Role::Owner)] {
            fails(share(user, role).await, Code::InvalidArgument, "FIELD_INVALID");
        }
        for n in 0..100 {
            world.account(&format!("{n}@x"));
            share(&format!("{n}@x"), Role::Viewer).await.unwrap();
        }
        world.account("101@x");
        fails(share("101@x", Role::Viewer).await, Code::ResourceExhausted, "LIMIT_REACHED");
        assert!(share("7@x", Role::Editor).await.is_ok(), "who is in it can be made another");
    }
}

#[tokio::test]
async fn an_invitation_lets_one_account_in_once() {
    for world in worlds().await {
        let (owner, bob, eve) = (UserId::new(), UserId::new(), UserId::new());
        let playlist = world.create(owner, Visibility::Private).await;
        let token = invite(&world, owner, &playlist, Role::Editor, 0).await.unwrap();
        assert_eq!(accept(&world, owner, &token).await.unwrap().role(), Role::Owner, "it is still good");
        let joined = accept(&world, bob, &token).await.unwrap();
        assert_eq!((joined.playlist_id.clone(), joined.role()), (playlist.clone(), Role::Editor));
        assert_eq!(accept(&world, bob, &token).await.unwrap(), joined, "a repeat changes nothing");
        let used = (Code::FailedPrecondition, "INVITATION_USED");
        fails(accept(&world, eve, &token).await, used.0, used.1);
        unshare(&world, owner, &playlist, bob).await.unwrap();
        fails(accept(&world, bob, &token).await, used.0, used.1);
        fails(world.get(bob, &playlist).await, Code::NotFound, "PLAYLIST_NOT_FOUND");

        let view = invite(&world, owner, &playlist, Role::Viewer, 60).await.unwrap();
        world.advance(Duration::from_secs(60));
        fails(accept(&world, eve, &view).await, Code::FailedPrecondition, "INVITATION_EXPIRED");
        let unknown = (Code::NotFound, "INVITATION_NOT_FOUND");
        let mut forged = view.clone().into_bytes();
        *forged.last_mut().unwrap() = if forged.ends_with(b"A") { b'Q' } else { b'A' };
        for token in ["", "x", &"A".repeat(1 << 20), &view[..20], &String::from_utf8(forged).unwrap()] {
            fails(accept(&world, eve, token).await, unknown.0, unknown.1);
        }
        fails(
            invite(&world, owner, &playlist, Role::Viewer, 31 * 24 * 3600).await,
            Code::InvalidArgument,
            "FIELD_INVALID",
        );
        let late = invite(&world, owner, &playlist, Role::Viewer, 0).await.unwrap();
        let delete = DeletePlaylistRequest { playlist_id: playlist, etag: String::new() };
        world.api.delete_playlist(by(owner, delete)).await.unwrap();
        fails(accept(&world, eve, &late).await, unknown.0, unknown.1);
    }
}

#[tokio::test]
async fn an_invitation_takes_nothing_from_who_is_in_it() {
    for world in worlds().await {
        let owner = UserId::new();
        let bob = world.account("bob@x");
        let playlist = world.create(owner, Visibility::Private).await;
        share(&world, owner, &playlist, "bob@x", Role::Editor).await.unwrap();
        let view = invite(&world, owner, &playlist, Role::Viewer, 0).await.unwrap();
        assert_eq!(accept(&world, bob, &view).await.unwrap().role(), Role::Editor);
        share(&world, owner, &playlist, "bob@x", Role::Viewer).await.unwrap();
        let edit = invite(&world, owner, &playlist, Role::Editor, 0).await.unwrap();
        assert_eq!(accept(&world, bob, &edit).await.unwrap().role(), Role::Editor);
    }
}

#[tokio::test]
async fn an_owner_names_whom_to_take_away_by_their_address() {
    for world in worlds().await {
        let (owner, bob) = (UserId::new(), world.account("bob@x"));
        let playlist = world.create(owner, Visibility::Private).await;
        share(&world, owner, &playlist, "bob@x", Role::Viewer).await.unwrap();
        let nobody = unshare(&world, owner, &playlist, "nobody@x").await;
        fails(nobody, Code::NotFound, "USER_NOT_FOUND");
        unshare(&world, owner, &playlist, "bob@x").await.unwrap();
        fails(world.get(bob, &playlist).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
    }
}
