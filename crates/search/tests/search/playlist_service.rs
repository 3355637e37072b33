//! As much of the playlist service as search calls.

use crate::song_service::{No, not_here, proven};
use segue_domain::Code;
use segue_mesh::{Channel, Reply, status};
use segue_proto::playlist::v1::{
    playlist_service_server::{PlaylistService, PlaylistServiceServer},
    *,
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tonic::{Request, Response, Status, service::Routes};

#[derive(Debug, Clone, Default)]
pub(crate) struct PlaylistRows {
    pub(crate) rows: Arc<Mutex<BTreeMap<String, ScannedPlaylist>>>,
    /// Playlists that are given to whoever asks for them.
    pub(crate) now: Arc<Mutex<BTreeMap<String, Playlist>>>,
    /// It is there and does not answer.
    pub(crate) away: Arc<Mutex<bool>>,
}

impl PlaylistRows {
    pub(crate) fn channel(&self) -> Channel {
        let routes = Routes::new(PlaylistServiceServer::new(self.clone()));
        Channel::local(routes.prepare().into_axum_router())
    }
}

#[tonic::async_trait]
impl PlaylistService for PlaylistRows {
    async fn scan_playlists(&self, request: Request<ScanPlaylistsRequest>) -> Reply<ScanPlaylistsResponse> {
        proven(request.metadata());
        if *self.away.lock().unwrap() {
            return Err(status(No(Code::Unavailable)));
        }
        let playlists = self.rows.lock().unwrap().values().cloned().collect();
        Ok(Response::new(ScanPlaylistsResponse { playlists, next_page_token: String::new() }))
    }

    async fn get_playlist(&self, request: Request<GetPlaylistRequest>) -> Reply<GetPlaylistResponse> {
        assert!(request.metadata().get("authorization").is_some(), "it is asked by the caller's own name");
        match self.now.lock().unwrap().get(&request.get_ref().playlist_id) {
            Some(playlist) => Ok(Response::new(GetPlaylistResponse { playlist: Some(playlist.clone()) })),
            None => Err(status(No(Code::NotFound))),
        }
    }

    type WatchPlaylistStream = futures::stream::Empty<Result<WatchPlaylistResponse, Status>>;

    async fn watch_playlist(&self, _: Request<WatchPlaylistRequest>) -> Reply<Self::WatchPlaylistStream> {
        Err(status(No(Code::Unimplemented)))
    }

    type ExportPlaylistStream = futures::stream::Empty<Result<ExportPlaylistResponse, Status>>;

    async fn export_playlist(&self, _: Request<ExportPlaylistRequest>) -> Reply<Self::ExportPlaylistStream> {
        Err(status(No(Code::Unimplemented)))
    }

    not_here! {
        create_playlist: CreatePlaylistRequest => CreatePlaylistResponse,
        list_playlists: ListPlaylistsRequest => ListPlaylistsResponse,
        update_playlist: UpdatePlaylistRequest => UpdatePlaylistResponse,
        delete_playlist: DeletePlaylistRequest => DeletePlaylistResponse,
        add_items: AddItemsRequest => AddItemsResponse,
        remove_items: RemoveItemsRequest => RemoveItemsResponse,
        move_item: MoveItemRequest => MoveItemResponse,
        list_items: ListItemsRequest => ListItemsResponse,
        create_invitation: CreateInvitationRequest => CreateInvitationResponse,
        accept_invitation: AcceptInvitationRequest => AcceptInvitationResponse,
        set_collaborator: SetCollaboratorRequest => SetCollaboratorResponse,
        remove_collaborator: RemoveCollaboratorRequest => RemoveCollaboratorResponse,
        list_collaborators: ListCollaboratorsRequest => ListCollaboratorsResponse,
        follow_playlist: FollowPlaylistRequest => FollowPlaylistResponse,
        unfollow_playlist: UnfollowPlaylistRequest => UnfollowPlaylistResponse,
        import_playlist: ImportPlaylistRequest => ImportPlaylistResponse,
    }
}
