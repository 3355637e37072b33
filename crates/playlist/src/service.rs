//! The methods of `segue.playlist.v1.PlaylistService`: who calls, and the answer on the wire.

use crate::{Error, export::ExportStream, record::PlaylistRecord, role::Role, watch::WatchStream};
use segue_mesh::{Caller, Passport, Reply, Seen, mark_written, status};
use segue_proto::playlist::v1::{playlist_service_server::PlaylistService, *};
use std::sync::Arc;
use tonic::{Request, Response};

/// The gRPC service.
#[derive(Debug, Clone)]
pub struct PlaylistApi {
    role: Arc<Role>,
}

/// What a method needs to know of its call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub caller: Caller,
    /// For what other roles are asked in the caller's name.
    pub passport: Passport,
    /// Versions that the caller has seen.
    pub seen: Seen,
}

impl Call {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        Self { caller: Caller::of(request), passport: Passport::of(request), seen: Seen::of(request) }
    }
}

impl PlaylistApi {
    pub(crate) fn new(role: Arc<Role>) -> Self {
        Self { role }
    }
}

fn take<T>(request: Request<T>) -> (Call, T) {
    (Call::of(&request), request.into_inner())
}

fn reply<T>(result: Result<T, Error>) -> Reply<T> {
    result.map(Response::new).map_err(status)
}

/// The answer to a write that does not show the playlist, with the version of it that the caller has seen now.
fn marked<T>(result: Result<(T, Option<PlaylistRecord>), Error>) -> Reply<T> {
    let (body, playlist) = result.map_err(status)?;
    let mut response = Response::new(body);
    if let Some(playlist) = playlist {
        mark_written(&mut response, &playlist.id.to_string(), &playlist.etag());
    }
    Ok(response)
}

/// The answer to a write, with the version that it made.
fn written<T>(result: Result<T, Error>, playlist: impl Fn(&T) -> Option<&Playlist>) -> Reply<T> {
    let body = result.map_err(status)?;
    let made = playlist(&body).map(|playlist| (playlist.playlist_id.clone(), playlist.etag.clone()));
    let mut response = Response::new(body);
    if let Some((id, version)) = made {
        mark_written(&mut response, &id, &version);
    }
    Ok(response)
}

#[tonic::async_trait]
impl PlaylistService for PlaylistApi {
    type WatchPlaylistStream = WatchStream;
    type ExportPlaylistStream = ExportStream;

    async fn create_playlist(
        &self,
        request: Request<CreatePlaylistRequest>,
    ) -> Reply<CreatePlaylistResponse> {
        let owner = Caller::user(&request)?.id;
        let (call, request) = take(request);
        written(self.role.create(owner, &call, request).await, |r| r.playlist.as_ref())
    }

    async fn get_playlist(&self, request: Request<GetPlaylistRequest>) -> Reply<GetPlaylistResponse> {
        let (call, request) = take(request);
        reply(self.role.get(&call, &request.playlist_id).await)
    }

    async fn list_playlists(&self, request: Request<ListPlaylistsRequest>) -> Reply<ListPlaylistsResponse> {
        let user = Caller::user(&request)?.id;
        let (call, request) = take(request);
        reply(self.role.list(user, &call, request).await)
    }

    async fn update_playlist(
        &self,
        request: Request<UpdatePlaylistRequest>,
    ) -> Reply<UpdatePlaylistResponse> {
        let (call, request) = take(request);
        written(self.role.update(&call, request).await, |r| r.playlist.as_ref())
    }

    async fn delete_playlist(
        &self,
        request: Request<DeletePlaylistRequest>,
    ) -> Reply<DeletePlaylistResponse> {
        let (call, request) = take(request);
        marked(self.role.delete(&call, &request).await)
    }

    async fn add_items(&self, request: Request<AddItemsRequest>) -> Reply<AddItemsResponse> {
        let user = Caller::user(&request)?.id;
        let (call, request) = take(request);
        written(self.role.add(user, &call, request).await, |r| r.playlist.as_ref())
    }

    async fn remove_items(&self, request: Request<RemoveItemsRequest>) -> Reply<RemoveItemsResponse> {
        let (call, request) = take(request);
        written(self.role.remove(&call, request).await, |r| r.playlist.as_ref())
    }

    async fn move_item(&self, request: Request<MoveItemRequest>) -> Reply<MoveItemResponse> {
        let (call, request) = take(request);
        written(self.role.move_item(&call, request).await, |r| r.playlist.as_ref())
    }

    async fn list_items(&self, request: Request<ListItemsRequest>) -> Reply<ListItemsResponse> {
        let (call, request) = take(request);
        reply(self.role.list_items(&call, request).await)
    }

    async fn watch_playlist(&self, request: Request<WatchPlaylistRequest>) -> Reply<WatchStream> {
        let (call, request) = take(request);
        reply(self.role.clone().watch(call, &request.playlist_id).await)
    }

    async fn create_invitation(
        &self,
        request: Request<CreateInvitationRequest>,
    ) -> Reply<CreateInvitationResponse> {
        let (call, request) = take(request);
        reply(self.role.invite(&call, request).await)
    }

    async fn accept_invitation(
        &self,
        request: Request<AcceptInvitationRequest>,
    ) -> Reply<AcceptInvitationResponse> {
        let user = Caller::user(&request)?.id;
        let (call, request) = take(request);
        written(self.role.accept(user, &call, &request.token).await, |r| r.playlist.as_ref())
    }

    async fn set_collaborator(
        &self,
        request: Request<SetCollaboratorRequest>,
    ) -> Reply<SetCollaboratorResponse> {
        let (call, request) = take(request);
        marked(self.role.set_collaborator(&call, request).await)
    }

    async fn remove_collaborator(
        &self,
        request: Request<RemoveCollaboratorRequest>,
    ) -> Reply<RemoveCollaboratorResponse> {
        let (call, request) = take(request);
        marked(self.role.remove_collaborator(&call, request).await)
    }

    async fn list_collaborators(
        &self,
        request: Request<ListCollaboratorsRequest>,
    ) -> Reply<ListCollaboratorsResponse> {
        let (call, request) = take(request);
        reply(self.role.list_collaborators(&call, &request.playlist_id).await)
    }

    async fn follow_playlist(
        &self,
        request: Request<FollowPlaylistRequest>,
    ) -> Reply<FollowPlaylistResponse> {
        let user = Caller::user(&request)?.id;
        let (call, request) = take(request);
        reply(self.role.follow(user, &call, &request.playlist_id).await)
    }

    async fn unfollow_playlist(
        &self,
        request: Request<UnfollowPlaylistRequest>,
    ) -> Reply<UnfollowPlaylistResponse> {
        let user = Caller::user(&request)?.id;
        reply(self.role.unfollow(user, &request.into_inner().playlist_id).await)
    }

    async fn import_playlist(
        &self,
        request: Request<ImportPlaylistRequest>,
    ) -> Reply<ImportPlaylistResponse> {
        let owner = Caller::user(&request)?.id;
        let (call, request) = take(request);
        written(self.role.import(owner, &call, request).await, |r| r.playlist.as_ref())
    }

    async fn export_playlist(&self, request: Request<ExportPlaylistRequest>) -> Reply<ExportStream> {
        let (call, request) = take(request);
        reply(self.role.clone().export_playlist(call, request).await)
    }

    async fn scan_playlists(&self, request: Request<ScanPlaylistsRequest>) -> Reply<ScanPlaylistsResponse> {
        reply(self.role.scan(request.into_inner()).await)
    }
}
