use super::world::{after, by, fails, first, worlds};
use crate::PlaylistApi;
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::{
    Code, Request,
    metadata::{Ascii, MetadataValue},
};

#[tokio::test]
async fn pages_hold_what_stays_in_its_place_once() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 30).await;
        let page = world.page(owner, &playlist, 10, "").await.unwrap();
        assert_eq!(page.etag, "2");
        let (mut seen, mut token): (Vec<String>, _) =
            (page.items.into_iter().map(|item| item.item_id).collect(), page.next_page_token);
        // Others add and remove before and behind what was read, also the last that was read.
        world.add(owner, &playlist, &[world.public()], first()).await.unwrap();
        world.remove(owner, &playlist, &[&ids[9], &ids[15]]).await.unwrap();
        let more = world.add(owner, &playlist, &[world.public()], None).await.unwrap();
        while !token.is_empty() {
            let page = world.page(owner, &playlist, 10, &token).await.unwrap();
            seen.extend(page.items.into_iter().map(|item| item.item_id));
            token = page.next_page_token;
        }
        let mut wanted = ids.clone();
        wanted.remove(15);
        wanted.push(more.items[0].item_id.clone());
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn a_token_survives_that_keys_are_given_anew() {
    for world in worlds().await {
        let owner = UserId::new();
        let (playlist, ids) = world.filled(owner, 40).await;
        let page = world.page(owner, &playlist, 20, "").await.unwrap();
        let respread =
            async || world.role.playlists.latest(playlist.parse().unwrap()).await.unwrap().unwrap().respread;
        // The last items are moved to and fro behind the first, until there is no room.
        let mut turn = 0;
        while respread().await == 0 {
            world.move_item(owner, &playlist, &ids[38 + turn % 2], after(&ids[0])).await.unwrap();
            turn += 1;
            assert!(turn < 2_000, "keys are never given anew");
        }
        world.remove(owner, &playlist, &[&ids[19]]).await.unwrap();
        let rest = world.page(owner, &playlist, 200, &page.next_page_token).await.unwrap();
        let rest: Vec<String> = rest.items.into_iter().map(|item| item.item_id).collect();
        assert_eq!(rest, ids[20..38]);
    }
}

#[tokio::test]
async fn a_token_opens_its_own_list_only() {
    for world in worlds().await {
        let owner = UserId::new();
        let (one, _) = world.filled(owner, 3).await;
        let (other, _) = world.filled(owner, 3).await;
        let token = world.page(owner, &one, 1, "").await.unwrap().next_page_token;
        let (code, why) = (Code::InvalidArgument, "FIELD_INVALID");
        fails(world.page(owner, &other, 1, &token).await, code, why);
        fails(world.page(owner, &one, 1, "nonsense").await, code, why);
        fails(world.page(owner, &one, -1, "").await, code, why);
        let list = ListPlaylistsRequest { page_token: token, ..Default::default() };
        fails(world.api.list_playlists(by(owner, list)).await, code, why);
    }
}

#[tokio::test]
async fn who_has_seen_a_version_never_sees_an_older_one() {
    for world in worlds().await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        let other = PlaylistApi::new(world.neighbour().role().clone());
        let list = async |api: &PlaylistApi, seen: Option<String>| {
            let mut call =
                by(owner, ListItemsRequest { playlist_id: playlist.clone(), ..Default::default() });
            if let Some(seen) = seen {
                let mark = format!("{playlist}@{seen},nonsense").parse().unwrap();
                call.metadata_mut().insert("segue-consistency", mark);
            }
            let page = api.list_items(call).await.unwrap().into_inner();
            (page.items.len(), page.etag)
        };
        assert_eq!(list(&other, None).await, (0, "1".to_owned()));
        let added = world.add(owner, &playlist, &[world.public()], None).await.unwrap();
        let etag = added.playlist.unwrap().etag;
        // The other process has not heard of it.
        assert_eq!(list(&other, Some(etag.clone())).await, (1, etag.clone()));
        assert_eq!(list(&other, None).await, (1, etag.clone()), "and now it has seen it");
        assert_eq!(list(&world.api, None).await, (1, etag));
    }
}

#[tokio::test]
async fn who_changed_the_people_of_a_playlist_sees_that_in_every_process() {
    for world in worlds().await {
        let owner = UserId::new();
        let bob = world.account("bob@x");
        let playlist = world.create(owner, Visibility::Private).await;
        let other = PlaylistApi::new(world.neighbour().role().clone());
        let seen = async |mark: Option<MetadataValue<Ascii>>| {
            let mut call = by(owner, ListCollaboratorsRequest { playlist_id: playlist.clone() });
            if let Some(mark) = mark {
                call.metadata_mut().insert("segue-consistency", mark);
            }
            other.list_collaborators(call).await.unwrap().into_inner().collaborators.len()
        };
        assert_eq!(seen(None).await, 0);
        let (playlist_id, role) = (playlist.clone(), Role::Viewer.into());
        let share = SetCollaboratorRequest { playlist_id, user: "bob@x".into(), role };
        let shared = world.api.set_collaborator(by(owner, share)).await.unwrap();
        assert_eq!(seen(shared.metadata().get("segue-consistency").cloned()).await, 1);
        let remove = RemoveCollaboratorRequest { playlist_id: playlist.clone(), user_id: bob.to_string() };
        let removed = world.api.remove_collaborator(by(owner, remove)).await.unwrap();
        assert_eq!(seen(removed.metadata().get("segue-consistency").cloned()).await, 0);
    }
}

#[tokio::test]
async fn every_playlist_is_scanned_once_with_its_people() {
    for world in worlds().await {
        let owner = UserId::new();
        let friend = world.account("bob@x");
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(world.create(owner, Visibility::Private).await);
        }
        let share = SetCollaboratorRequest {
            playlist_id: made[2].clone(),
            user: "bob@x".into(),
            role: Role::Editor.into(),
        };
        world.api.set_collaborator(by(owner, share)).await.unwrap();
        let delete = DeletePlaylistRequest { playlist_id: made.remove(4), etag: String::new() };
        world.api.delete_playlist(by(owner, delete)).await.unwrap();
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = Request::new(ScanPlaylistsRequest { page_size: 2, page_token });
            let page = world.api.scan_playlists(request).await.unwrap().into_inner();
            found.extend(page.playlists);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        made.sort();
        assert_eq!(found.iter().map(|one| one.playlist_id.clone()).collect::<Vec<_>>(), made);
        let shared = found.iter().find(|one| !one.collaborator_ids.is_empty()).unwrap();
        assert_eq!((shared.version, &shared.collaborator_ids), (2, &vec![friend.to_string()]));
    }
}
