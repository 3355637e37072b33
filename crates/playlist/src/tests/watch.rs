use super::world::{by, fails, worlds, worlds_with};
use crate::PlaylistConfig;
use futures::StreamExt;
use prost::Message as _;
use segue_domain::UserId;
use segue_ports::bus::{Bus, Message};
use segue_proto::{
    playlist::v1::{playlist_service_server::PlaylistService, *},
    song::v1::Visibility,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::Code;

#[tokio::test]
async fn who_watches_hears_of_each_change_until_the_end() {
    for world in worlds().await {
        let stop = CancellationToken::new();
        let (playlists, token) = (world.playlists.clone(), stop.clone());
        let running = tokio::spawn(async move { playlists.run(token).await });
        let (owner, friend) = (UserId::new(), UserId::new());
        let playlist = world.create(owner, Visibility::Public).await;
        let watch = || WatchPlaylistRequest { playlist_id: playlist.clone() };
        let mut mine = world.api.watch_playlist(by(owner, watch())).await.unwrap().into_inner();
        let mut theirs = world.api.watch_playlist(by(friend, watch())).await.unwrap().into_inner();
        let publish = async || {
            let message = |event: &segue_proto::event::v1::Event| Message {
                id: event.id.clone(),
                topic: event.r#type.clone(),
                key: event.subject.clone(),
                payload: event.encode_to_vec().into(),
                traceparent: None,
            };
            world.bus.publish(world.facts().await.iter().map(message).collect()).await.unwrap();
        };
        macro_rules! next {
            ($stream:expr) => {
                tokio::time::timeout(Duration::from_secs(20), $stream.next()).await.expect("in time")
            };
        }
        let first = next!(mine).unwrap().unwrap().playlist.unwrap();
        assert_eq!((first.etag.as_str(), first.role()), ("1", Role::Owner));
        assert_eq!(next!(theirs).unwrap().unwrap().playlist.unwrap().role(), Role::Unspecified);
        world.add(owner, &playlist, &[world.public()], None).await.unwrap();
        publish().await;
        for stream in [&mut mine, &mut theirs] {
            let now = next!(stream).unwrap().unwrap().playlist.unwrap();
            assert_eq!((now.etag.as_str(), now.item_count), ("2", 1));
        }
        // Hidden, it ends for those who see it no longer.
        let mask = prost_types::FieldMask { paths: vec!["visibility".into()] };
        let wish = Playlist { playlist_id: playlist.clone(), ..Default::default() };
        let update = UpdatePlaylistRequest { playlist: Some(wish), update_mask: Some(mask) };
        world.api.update_playlist(by(owner, update)).await.unwrap();
        publish().await;
        assert_eq!(next!(mine).unwrap().unwrap().playlist.unwrap().etag, "3");
        fails(next!(theirs).unwrap(), Code::NotFound, "PLAYLIST_NOT_FOUND");
        assert!(next!(theirs).is_none());
        let delete = DeletePlaylistRequest { playlist_id: playlist.clone(), etag: String::new() };
        world.api.delete_playlist(by(owner, delete)).await.unwrap();
        publish().await;
        fails(next!(mine).unwrap(), Code::NotFound, "PLAYLIST_NOT_FOUND");
        drop((mine, theirs));
        assert_eq!(world.role.hub.watchers(), (0, 0));
        stop.cancel();
        running.await.unwrap();
    }
}

#[tokio::test]
async fn watchers_are_as_many_as_may_be() {
    for world in worlds_with(PlaylistConfig { max_watchers: 1, ..Default::default() }).await {
        let owner = UserId::new();
        let playlist = world.create(owner, Visibility::Private).await;
        let watch = || by(owner, WatchPlaylistRequest { playlist_id: playlist.clone() });
        let held = world.api.watch_playlist(watch()).await.unwrap();
        let more = world.api.watch_playlist(watch()).await.map(drop);
        fails(more, Code::ResourceExhausted, "TOO_MANY_WATCHERS");
        drop(held);
        assert!(world.api.watch_playlist(watch()).await.is_ok());
    }
}
