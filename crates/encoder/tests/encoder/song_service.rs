//! As much of the song service as the encoder calls.

use segue_domain::{Code, Coded, EncodingId, UserId};
use segue_mesh::{Channel, Reply, status};
use segue_proto::song::v1::{
    BatchGetSongsRequest, BatchGetSongsResponse, CompleteUploadRequest, CompleteUploadResponse,
    CreateSongRequest, CreateSongResponse, DeleteSongRequest, DeleteSongResponse, GetAlbumRequest,
    GetAlbumResponse, GetArtistRequest, GetArtistResponse, GetDownloadRequest, GetDownloadResponse,
    GetLyricsRequest, GetLyricsResponse, GetPlaybackRequest, GetPlaybackResponse, GetSongRequest,
    GetSongResponse, GetUploadRequest, GetUploadResponse, ListAlbumSongsRequest, ListAlbumSongsResponse,
    ListAlbumsRequest, ListAlbumsResponse, ListArtistSongsRequest, ListArtistSongsResponse,
    ListArtistsRequest, ListArtistsResponse, ListSongsRequest, ListSongsResponse, MatchSongsRequest,
    MatchSongsResponse, RenewUploadRequest, RenewUploadResponse, RetrySongRequest, RetrySongResponse,
    ScanAlbumsRequest, ScanAlbumsResponse, ScanArtistsRequest, ScanArtistsResponse, ScanSongsRequest,
    ScanSongsResponse, Song, UpdateSongRequest, UpdateSongResponse, WatchSongRequest, WatchSongResponse,
    song_service_server::{SongService, SongServiceServer},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tonic::{Request, Response, Status, service::Routes};

/// Songs and their owners.
#[derive(Debug, Clone, Default)]
pub(crate) struct Songs {
    pub(crate) owners: Arc<Mutex<HashMap<String, UserId>>>,
}

impl Songs {
    pub(crate) fn channel(&self) -> Channel {
        let routes = Routes::new(SongServiceServer::new(self.clone()));
        Channel::local(routes.prepare().into_axum_router())
    }

    fn find<T>(&self, request: &Request<T>, id: &str) -> Result<Song, Status> {
        let token = request.metadata().get("authorization").map(|v| v.to_str().unwrap());
        assert!(token.is_some_and(|t| t.starts_with("Bearer ey")), "the encoder proves who it is");
        let owner = self.owners.lock().unwrap().get(id).copied().ok_or_else(|| status(No(Code::NotFound)))?;
        Ok(Song { song_id: id.into(), owner_id: owner.to_string(), ..Default::default() })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct No(Code);

impl Coded for No {
    fn code(&self) -> Code {
        self.0
    }
    fn reason(&self) -> &'static str {
        "NO"
    }
}

fn never<T>() -> Reply<T> {
    Err(status(No(Code::Unimplemented)))
}

#[tonic::async_trait]
impl SongService for Songs {
    type WatchSongStream = futures::stream::Empty<Result<WatchSongResponse, Status>>;

    async fn get_song(&self, request: Request<GetSongRequest>) -> Reply<GetSongResponse> {
        let song = self.find(&request, &request.get_ref().song_id)?;
        Ok(Response::new(GetSongResponse { song: Some(song) }))
    }
    async fn retry_song(&self, request: Request<RetrySongRequest>) -> Reply<RetrySongResponse> {
        let mut song = self.find(&request, &request.get_ref().song_id)?;
        song.encoding_id = EncodingId::new().to_string();
        Ok(Response::new(RetrySongResponse { song: Some(song), upload: None }))
    }
    async fn create_song(&self, _: Request<CreateSongRequest>) -> Reply<CreateSongResponse> {
        never()
    }
    async fn get_upload(&self, _: Request<GetUploadRequest>) -> Reply<GetUploadResponse> {
        never()
    }
    async fn renew_upload(&self, _: Request<RenewUploadRequest>) -> Reply<RenewUploadResponse> {
        never()
    }
    async fn complete_upload(&self, _: Request<CompleteUploadRequest>) -> Reply<CompleteUploadResponse> {
        never()
    }
    async fn batch_get_songs(&self, _: Request<BatchGetSongsRequest>) -> Reply<BatchGetSongsResponse> {
        never()
    }
    async fn list_songs(&self, _: Request<ListSongsRequest>) -> Reply<ListSongsResponse> {
        never()
    }
    async fn update_song(&self, _: Request<UpdateSongRequest>) -> Reply<UpdateSongResponse> {
        never()
    }
    async fn delete_song(&self, _: Request<DeleteSongRequest>) -> Reply<DeleteSongResponse> {
        never()
    }
    async fn watch_song(&self, _: Request<WatchSongRequest>) -> Reply<Self::WatchSongStream> {
        never()
    }
    async fn get_playback(&self, _: Request<GetPlaybackRequest>) -> Reply<GetPlaybackResponse> {
        never()
    }
    async fn get_download(&self, _: Request<GetDownloadRequest>) -> Reply<GetDownloadResponse> {
        never()
    }
    async fn scan_songs(&self, _: Request<ScanSongsRequest>) -> Reply<ScanSongsResponse> {
        never()
    }
    async fn list_albums(&self, _: Request<ListAlbumsRequest>) -> Reply<ListAlbumsResponse> {
        never()
    }
    async fn get_album(&self, _: Request<GetAlbumRequest>) -> Reply<GetAlbumResponse> {
        never()
    }
    async fn list_album_songs(&self, _: Request<ListAlbumSongsRequest>) -> Reply<ListAlbumSongsResponse> {
        never()
    }
    async fn list_artists(&self, _: Request<ListArtistsRequest>) -> Reply<ListArtistsResponse> {
        never()
    }
    async fn get_artist(&self, _: Request<GetArtistRequest>) -> Reply<GetArtistResponse> {
        never()
    }
    async fn list_artist_songs(&self, _: Request<ListArtistSongsRequest>) -> Reply<ListArtistSongsResponse> {
        never()
    }
    async fn get_lyrics(&self, _: Request<GetLyricsRequest>) -> Reply<GetLyricsResponse> {
        never()
    }
    async fn match_songs(&self, _: Request<MatchSongsRequest>) -> Reply<MatchSongsResponse> {
        never()
    }
    async fn scan_albums(&self, _: Request<ScanAlbumsRequest>) -> Reply<ScanAlbumsResponse> {
        never()
    }
    async fn scan_artists(&self, _: Request<ScanArtistsRequest>) -> Reply<ScanArtistsResponse> {
        never()
    }
}
