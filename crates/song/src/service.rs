//! The methods of `segue.song.v1.SongService`: who calls, from where, and the answer on the wire.

use crate::{Error, role::Role, watch::WatchStream};
use segue_mesh::{Caller, Reply, Seen, mark_written, origin, status};
use segue_proto::song::v1::{song_service_server::SongService, *};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// For calls that came through no gateway and when no public URL is configured.
const FALLBACK_ORIGIN: &str = "http://localhost";

/// The gRPC service.
#[derive(Debug, Clone)]
pub struct SongApi {
    role: Arc<Role>,
}

/// What a method needs to know of its call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub caller: Caller,
    /// Scheme and authority for URLs in the answer.
    pub origin: String,
    /// Versions that the caller has seen.
    pub seen: Seen,
}

impl SongApi {
    pub(crate) fn new(role: Arc<Role>) -> Self {
        Self { role }
    }

    fn take<T>(&self, request: Request<T>) -> (Call, T) {
        let of_call = origin(&request, FALLBACK_ORIGIN);
        let origin = self.role.addresses.origin(&of_call).trim_end_matches('/').to_owned();
        (Call { caller: Caller::of(&request), origin, seen: Seen::of(&request) }, request.into_inner())
    }
}

fn reply<T>(result: Result<T, Error>) -> Reply<T> {
    result.map(Response::new).map_err(status)
}

/// The answer to a write, with the version that it made.
fn written<T>(result: Result<T, Error>, song: impl Fn(&T) -> Option<&Song>) -> Reply<T> {
    let body = result.map_err(status)?;
    let made = song(&body).map(|song| (song.song_id.clone(), song.etag.clone()));
    let mut response = Response::new(body);
    if let Some((id, version)) = made {
        mark_written(&mut response, &id, &version);
    }
    Ok(response)
}

#[tonic::async_trait]
impl SongService for SongApi {
    type WatchSongStream = WatchStream;

    async fn create_song(&self, request: Request<CreateSongRequest>) -> Reply<CreateSongResponse> {
        let owner = Caller::user(&request)?.id;
        let (call, request) = self.take(request);
        written(self.role.create(owner, &call, request).await, |r| r.song.as_ref())
    }

    async fn get_upload(&self, request: Request<GetUploadRequest>) -> Reply<GetUploadResponse> {
        let (call, request) = self.take(request);
        reply(self.role.upload(&call, &request.song_id).await)
    }

    async fn renew_upload(&self, request: Request<RenewUploadRequest>) -> Reply<RenewUploadResponse> {
        let (call, request) = self.take(request);
        reply(self.role.renew(&call, &request.song_id).await)
    }

    async fn complete_upload(
        &self,
        request: Request<CompleteUploadRequest>,
    ) -> Reply<CompleteUploadResponse> {
        let (call, request) = self.take(request);
        written(self.role.complete(&call, &request.song_id).await, |r| r.song.as_ref())
    }

    async fn get_song(&self, request: Request<GetSongRequest>) -> Reply<GetSongResponse> {
        let (call, request) = self.take(request);
        reply(self.role.get(&call, &request.song_id).await)
    }

    async fn batch_get_songs(&self, request: Request<BatchGetSongsRequest>) -> Reply<BatchGetSongsResponse> {
        let (call, request) = self.take(request);
        reply(self.role.batch_get(&call, &request.song_ids).await)
    }

    async fn list_songs(&self, request: Request<ListSongsRequest>) -> Reply<ListSongsResponse> {
        let owner = Caller::user(&request)?.id;
        let (call, request) = self.take(request);
        reply(self.role.list(owner, &call, request).await)
    }

    async fn update_song(&self, request: Request<UpdateSongRequest>) -> Reply<UpdateSongResponse> {
        let (call, request) = self.take(request);
        written(self.role.update(&call, request).await, |r| r.song.as_ref())
    }

    async fn delete_song(&self, request: Request<DeleteSongRequest>) -> Reply<DeleteSongResponse> {
        let (call, request) = self.take(request);
        let version = self.role.delete(&call, &request).await.map_err(status)?;
        let mut response = Response::new(DeleteSongResponse {});
        mark_written(&mut response, &request.song_id, &version);
        Ok(response)
    }

    async fn retry_song(&self, request: Request<RetrySongRequest>) -> Reply<RetrySongResponse> {
        let (call, request) = self.take(request);
        written(self.role.retry(&call, &request.song_id).await, |r| r.song.as_ref())
    }

    async fn watch_song(&self, request: Request<WatchSongRequest>) -> Result<Response<WatchStream>, Status> {
        let (call, request) = self.take(request);
        reply(self.role.clone().watch(call, &request.song_id).await)
    }

    async fn get_playback(&self, request: Request<GetPlaybackRequest>) -> Reply<GetPlaybackResponse> {
        let (call, request) = self.take(request);
        reply(self.role.playback(&call, &request.song_id).await)
    }

    async fn get_download(&self, request: Request<GetDownloadRequest>) -> Reply<GetDownloadResponse> {
        let (call, request) = self.take(request);
        reply(self.role.download(&call, request).await)
    }

    async fn scan_songs(&self, request: Request<ScanSongsRequest>) -> Reply<ScanSongsResponse> {
        reply(self.role.scan(request.into_inner()).await)
    }

    async fn list_albums(&self, request: Request<ListAlbumsRequest>) -> Reply<ListAlbumsResponse> {
        let caller = Caller::user(&request)?.id;
        let (call, request) = self.take(request);
        reply(self.role.list_albums(caller, &call, request).await)
    }

    async fn get_album(&self, request: Request<GetAlbumRequest>) -> Reply<GetAlbumResponse> {
        let (call, request) = self.take(request);
        reply(self.role.get_album(&call, &request.album_id).await)
    }

    async fn list_album_songs(
        &self,
        request: Request<ListAlbumSongsRequest>,
    ) -> Reply<ListAlbumSongsResponse> {
        let (call, request) = self.take(request);
        reply(self.role.list_album_songs(&call, request).await)
    }

    async fn list_artists(&self, request: Request<ListArtistsRequest>) -> Reply<ListArtistsResponse> {
        let caller = Caller::user(&request)?.id;
        let (call, request) = self.take(request);
        reply(self.role.list_artists(caller, &call, request).await)
    }

    async fn get_artist(&self, request: Request<GetArtistRequest>) -> Reply<GetArtistResponse> {
        let (call, request) = self.take(request);
        reply(self.role.get_artist(&call, &request.artist_id).await)
    }

    async fn list_artist_songs(
        &self,
        request: Request<ListArtistSongsRequest>,
    ) -> Reply<ListArtistSongsResponse> {
        let (call, request) = self.take(request);
        reply(self.role.list_artist_songs(&call, request).await)
    }

    async fn get_lyrics(&self, request: Request<GetLyricsRequest>) -> Reply<GetLyricsResponse> {
        let (call, request) = self.take(request);
        reply(self.role.get_lyrics(&call, &request.song_id).await)
    }

    async fn match_songs(&self, request: Request<MatchSongsRequest>) -> Reply<MatchSongsResponse> {
        let owner = Caller::user(&request)?.id;
        let (call, request) = self.take(request);
        reply(self.role.match_songs(owner, &call, request).await)
    }

    async fn scan_albums(&self, request: Request<ScanAlbumsRequest>) -> Reply<ScanAlbumsResponse> {
        reply(self.role.scan_albums(request.into_inner()).await)
    }

    async fn scan_artists(&self, request: Request<ScanArtistsRequest>) -> Reply<ScanArtistsResponse> {
        reply(self.role.scan_artists(request.into_inner()).await)
    }
}
