//! The methods of `segue.playlist.v1.LibraryService`: who calls, and the answer on the wire.

use super::export::ExportStream;
use crate::{Error, role::Role};
use segue_mesh::Passport;
use segue_mesh::{Caller, Reply, status};
use segue_proto::playlist::v1::{library_service_server::LibraryService, *};
use std::sync::Arc;
use tonic::{Request, Response};

/// The gRPC service.
#[derive(Debug, Clone)]
pub struct LibraryApi {
    role: Arc<Role>,
}

impl LibraryApi {
    pub(crate) fn new(role: Arc<Role>) -> Self {
        Self { role }
    }
}

fn reply<T>(result: Result<T, Error>) -> Reply<T> {
    result.map(Response::new).map_err(status)
}

#[tonic::async_trait]
impl LibraryService for LibraryApi {
    type ExportMeStream = ExportStream;

    async fn like_song(&self, request: Request<LikeSongRequest>) -> Reply<LikeSongResponse> {
        let (user, passport) = (Caller::user(&request)?.id, Passport::of(&request));
        reply(self.role.like(user, &passport, request.into_inner()).await)
    }

    async fn unlike_song(&self, request: Request<UnlikeSongRequest>) -> Reply<UnlikeSongResponse> {
        let user = Caller::user(&request)?.id;
        reply(self.role.unlike(user, request.into_inner()).await)
    }

    async fn list_likes(&self, request: Request<ListLikesRequest>) -> Reply<ListLikesResponse> {
        let (user, passport) = (Caller::user(&request)?.id, Passport::of(&request));
        reply(self.role.list_likes(user, &passport, request.into_inner()).await)
    }

    async fn record_plays(&self, request: Request<RecordPlaysRequest>) -> Reply<RecordPlaysResponse> {
        let user = Caller::user(&request)?.id;
        reply(self.role.record_plays(user, request.get_ref()).await)
    }

    async fn list_history(&self, request: Request<ListHistoryRequest>) -> Reply<ListHistoryResponse> {
        let (user, passport) = (Caller::user(&request)?.id, Passport::of(&request));
        reply(self.role.list_history(user, &passport, request.into_inner()).await)
    }

    async fn list_played(&self, request: Request<ListPlayedRequest>) -> Reply<ListPlayedResponse> {
        let (user, passport) = (Caller::user(&request)?.id, Passport::of(&request));
        reply(self.role.list_played(user, &passport, request.into_inner()).await)
    }

    async fn batch_get_song_stats(
        &self,
        request: Request<BatchGetSongStatsRequest>,
    ) -> Reply<BatchGetSongStatsResponse> {
        let passport = Passport::of(&request);
        reply(self.role.song_stats(&passport, request.get_ref()).await)
    }

    async fn delete_history(&self, request: Request<DeleteHistoryRequest>) -> Reply<DeleteHistoryResponse> {
        let user = Caller::user(&request)?.id;
        reply(self.role.delete_history(user, request.into_inner()).await)
    }

    async fn export_me(&self, request: Request<ExportMeRequest>) -> Reply<ExportStream> {
        let (user, passport) = (Caller::user(&request)?.id, Passport::of(&request));
        reply(self.role.clone().export(Caller::of(&request), user, passport).await)
    }
}
