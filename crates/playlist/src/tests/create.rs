use super::world::{by, fails, worlds, worlds_with};
use crate::PlaylistConfig;
use segue_domain::{PlaylistId, UserId};
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use tonic::Code;

fn request(title: &str) -> CreatePlaylistRequest {
    CreatePlaylistRequest { title: title.into(), ..Default::default() }
}

#[tokio::test]
async fn a_playlist_is_made_as_asked_for() {
    for world in worlds().await {
        let owner = UserId::new();
        let wish = CreatePlaylistRequest {
            title: "  שירים — mix 🎧 ".into(),
            description: "two\nlines".into(),
            visibility: Visibility::Unlisted.into(),
            refuse_duplicates: true,
            ..Default::default()
        };
        let answer = world.api.create_playlist(by(owner, wish)).await.unwrap();
        let mark = answer.metadata().get("segue-consistency").unwrap().to_str().unwrap().to_owned();
        let made = answer.into_inner().playlist.unwrap();
        assert_eq!(mark, format!("{}@1", made.playlist_id));
        assert_eq!(
            (made.title.as_str(), made.description.as_str(), made.etag.as_str()),
            ("שירים — mix 🎧", "two\nlines", "1")
        );
        assert_eq!((made.owner_id.clone(), made.role()), (owner.to_string(), Role::Owner));
        assert_eq!((made.visibility(), made.refuse_duplicates), (Visibility::Unlisted, true));
        assert_eq!(world.get(owner, &made.playlist_id).await.unwrap(), made);
        let facts = world.facts().await;
        assert_eq!((facts[0].r#type.as_str(), facts[0].sequence), ("playlist.created.v1", 1));
        assert_eq!((facts[0].subject.clone(), facts.len()), (made.playlist_id, 1));
    }
}

#[tokio::test]
async fn a_repeat_finds_the_first_answer() {
    for world in worlds().await {
        let (owner, id) = (UserId::new(), PlaylistId::new().to_string());
        let wish = |title: &str| CreatePlaylistRequest { request_id: id.clone(), ..request(title) };
        let create = async |user, wish| {
            Ok::<_, tonic::Status>(
                world.api.create_playlist(by(user, wish)).await?.into_inner().playlist.unwrap(),
            )
        };
        let made = create(owner, wish("a")).await.unwrap();
        assert_eq!(made.playlist_id, id);
        assert_eq!(create(owner, wish("a")).await.unwrap(), made);
        fails(create(owner, wish("b")).await, Code::AlreadyExists, "REQUEST_ALREADY_EXISTS");
        fails(create(UserId::new(), wish("a")).await, Code::AlreadyExists, "REQUEST_ALREADY_EXISTS");
        let delete = DeletePlaylistRequest { playlist_id: id.clone(), etag: String::new() };
        world.api.delete_playlist(by(owner, delete)).await.unwrap();
        fails(create(owner, wish("a")).await, Code::AlreadyExists, "PLAYLIST_DELETED");
        assert_eq!(world.rows("playlists").await, 1);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_all_at_once() {
    for world in worlds().await {
        let wish = CreatePlaylistRequest {
            request_id: "936da01f-9abd-4d9d-80c7-02af85c822a8".into(),
            title: "x".repeat(10 << 20),
            description: "\0".into(),
            visibility: 9,
            refuse_duplicates: false,
        };
        let refused = world.api.create_playlist(by(UserId::new(), wish)).await;
        let status = fails(refused, Code::InvalidArgument, "FIELD_INVALID");
        for field in ["title", "description", "visibility", "request_id"] {
            assert!(status.message().contains(field), "{status:?}");
        }
        for title in ["", " \n "] {
            let refused = world.api.create_playlist(by(UserId::new(), request(title))).await;
            fails(refused, Code::InvalidArgument, "FIELD_INVALID");
        }
        let nobody = world.api.create_playlist(tonic::Request::new(request("x"))).await;
        fails(nobody, Code::Unauthenticated, "TOKEN_REQUIRED");
        assert_eq!(world.rows("playlists").await, 0);
    }
}

#[tokio::test]
async fn a_user_has_as_many_as_they_may() {
    let config = PlaylistConfig { max_playlists_per_user: 2, ..Default::default() };
    for world in worlds_with(config).await {
        let owner = UserId::new();
        for _ in 0..2 {
            world.create(owner, Visibility::Private).await;
        }
        let third = world.api.create_playlist(by(owner, request("x"))).await;
        fails(third, Code::ResourceExhausted, "LIMIT_REACHED");
        world.create(UserId::new(), Visibility::Private).await;
    }
}
