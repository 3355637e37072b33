use super::world::{World, by, fails, worlds};
use segue_domain::UserId;
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::Code;

async fn share(world: &World, owner: UserId, playlist: &str, user: UserId) {
    let request = SetCollaboratorRequest {
        playlist_id: playlist.into(),
        user: user.to_string(),
        role: Role::Editor.into(),
    };
    world.api.set_collaborator(by(owner, request)).await.unwrap();
}

#[tokio::test]
async fn what_an_account_owned_goes_with_it() {
    for world in worlds().await {
        let (ada, bob) = (world.account("ada@x"), world.account("bob@x"));
        let (own, _) = world.filled(ada, 3).await;
        let (theirs, _) = world.filled(bob, 3).await;
        share(&world, bob, &theirs, ada).await;
        share(&world, ada, &own, bob).await;
        world.add(ada, &theirs, &[world.public()], None).await.unwrap();
        world.relay().await;
        assert_eq!(world.list(ada, Relation::Shared).await, std::slice::from_ref(&theirs));
        for _ in 0..2 {
            world.user_deleted(ada, None).await;
            world.relay().await;
        }
        fails(world.get(bob, &own).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        assert_eq!(world.list(bob, Relation::Unspecified).await, std::slice::from_ref(&theirs));
        assert_eq!(world.items(bob, &theirs).await.len(), 4, "what they added stays");
        let list = ListCollaboratorsRequest { playlist_id: theirs };
        let people = world.api.list_collaborators(by(bob, list)).await.unwrap().into_inner();
        assert_eq!(people.collaborators.len(), 0);
    }
}

#[tokio::test]
async fn what_an_account_owned_goes_to_its_heir() {
    for world in worlds().await {
        let (ada, bob, eve) = (world.account("ada@x"), world.account("bob@x"), world.account("eve@x"));
        let (shared, ids) = world.filled(ada, 3).await;
        let (private, _) = world.filled(ada, 1).await;
        share(&world, ada, &shared, bob).await;
        share(&world, ada, &shared, eve).await;
        world.relay().await;
        for _ in 0..2 {
            world.user_deleted(ada, Some(bob)).await;
            world.relay().await;
        }
        for playlist in [&shared, &private] {
            assert_eq!(world.get(bob, playlist).await.unwrap().role(), Role::Owner);
        }
        assert_eq!(world.item_ids(bob, &shared).await, ids);
        let mut owned = world.list(bob, Relation::Owned).await;
        owned.sort();
        let mut both = vec![shared.clone(), private];
        both.sort();
        assert_eq!(owned, both);
        assert_eq!(world.list(bob, Relation::Shared).await.len(), 0);
        assert_eq!(world.list(ada, Relation::Unspecified).await.len(), 0);
        assert_eq!(world.get(eve, &shared).await.unwrap().role(), Role::Editor);
        fails(world.get(ada, &shared).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        assert_eq!(world.get(bob, &shared).await.unwrap().visibility(), Visibility::Private);
    }
}

#[tokio::test]
async fn what_goes_to_an_heir_that_is_gone_goes_on_to_its_heir() {
    for world in worlds().await {
        let (ada, bob, eve) = (world.account("ada@x"), world.account("bob@x"), world.account("eve@x"));
        let (playlist, _) = world.filled(ada, 1).await;
        // That Bob is gone is heard of before that Ada is, though she went first.
        world.user_deleted(bob, Some(eve)).await;
        world.user_deleted(ada, Some(bob)).await;
        world.relay().await;
        assert_eq!(world.get(eve, &playlist).await.unwrap().role(), Role::Owner);
        assert_eq!(world.list(eve, Relation::Owned).await, std::slice::from_ref(&playlist));
        world.user_deleted(eve, Some(ada)).await;
        world.relay().await;
        fails(world.get(eve, &playlist).await, Code::NotFound, "PLAYLIST_NOT_FOUND");
        assert_eq!(world.list(ada, Relation::Unspecified).await.len(), 0, "nobody is left to have it");
    }
}
