//! As much of the song service as search calls: rows, read in pages, and songs as they are now.

use segue_domain::{Code, Coded};
use segue_mesh::{Channel, Reply, status};
use segue_proto::song::v1::{
    song_service_server::{SongService, SongServiceServer},
    *,
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, service::Routes};

#[derive(Debug, Clone)]
pub(crate) struct SongRows {
    pub(crate) rows: Arc<Mutex<BTreeMap<String, ScannedSong>>>,
    pub(crate) away: Arc<Mutex<bool>>,
    pub(crate) albums: Arc<Mutex<BTreeMap<String, ScannedAlbum>>>,
    pub(crate) artists: Arc<Mutex<BTreeMap<String, ScannedArtist>>>,
    /// Songs that are given to whoever asks for them.
    pub(crate) now: Arc<Mutex<BTreeMap<String, Song>>>,
    /// Pages that may be given; as many as are wanted at first.
    pub(crate) pages: Arc<Semaphore>,
}

impl SongRows {
    pub(crate) fn new() -> Self {
        Self {
            rows: Arc::default(),
            away: Arc::default(),
            albums: Arc::default(),
            artists: Arc::default(),
            now: Arc::default(),
            pages: Arc::new(Semaphore::new(1 << 20)),
        }
    }

    pub(crate) fn channel(&self) -> Channel {
        let routes = Routes::new(SongServiceServer::new(self.clone()));
        Channel::local(routes.prepare().into_axum_router())
    }

    pub(crate) fn insert(&self, row: ScannedSong) {
        self.rows.lock().unwrap().insert(row.song_id.clone(), row);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.rows.lock().unwrap().remove(id);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
pub(crate) struct No(pub(crate) Code);

impl Coded for No {
    fn code(&self) -> Code {
        self.0
    }
    fn reason(&self) -> &'static str {
        "NO"
    }
}

pub(crate) fn proven(metadata: &tonic::metadata::MetadataMap) {
    let token = metadata.get("authorization").map(|v| v.to_str().unwrap());
    assert!(token.is_some_and(|t| t.starts_with("Bearer ey")), "search proves who it is");
}

macro_rules! not_here {
    ($($name:ident: $request:ident => $response:ident,)*) => {
        $(
            fn $name<'a, 'b>(&'a self, _: Request<$request>) -> Pin<Box<dyn Future<Output = Reply<$response>> + Send + 'b>>
            where
                'a: 'b,
                Self: 'b,
            {
                Box::pin(async { Err(status(No(Code::Unimplemented))) })
            }
        )*
    };
}

pub(crate) use not_here;

#[tonic::async_trait]
impl SongService for SongRows {
    async fn scan_songs(&self, request: Request<ScanSongsRequest>) -> Reply<ScanSongsResponse> {
        proven(request.metadata());
        self.pages.acquire().await.unwrap().forget();
        if *self.away.lock().unwrap() {
            return Err(status(No(Code::Unavailable)));
        }
        let ScanSongsRequest { page_size, page_token, states } = request.into_inner();
        let rows = self.rows.lock().unwrap();
        let rest = rows.values().filter(|row| states.contains(&row.state) && row.song_id > page_token);
        let mut songs: Vec<ScannedSong> = rest.take(page_size as usize + 1).cloned().collect();
        let more = songs.len() > page_size as usize;
        songs.truncate(page_size as usize);
        let next = songs.last().filter(|_| more).map(|row| row.song_id.clone());
        Ok(Response::new(ScanSongsResponse { songs, next_page_token: next.unwrap_or_default() }))
    }

    async fn scan_albums(&self, request: Request<ScanAlbumsRequest>) -> Reply<ScanAlbumsResponse> {
        proven(request.metadata());
        // One at a time, so that pages are read to their end.
        let after = request.into_inner().page_token;
        let albums = self.albums.lock().unwrap();
        let mut rest = albums.values().filter(|album| album.album_id > after).cloned();
        let page: Vec<ScannedAlbum> = rest.by_ref().take(1).collect();
        let next_page_token = rest.next().and(page.last()).map(|a| a.album_id.clone()).unwrap_or_default();
        Ok(Response::new(ScanAlbumsResponse { albums: page, next_page_token }))
    }

    async fn scan_artists(&self, request: Request<ScanArtistsRequest>) -> Reply<ScanArtistsResponse> {
        proven(request.metadata());
        let artists = self.artists.lock().unwrap().values().cloned().collect();
        Ok(Response::new(ScanArtistsResponse { artists, next_page_token: String::new() }))
    }

    async fn batch_get_songs(&self, request: Request<BatchGetSongsRequest>) -> Reply<BatchGetSongsResponse> {
        assert!(request.metadata().get("authorization").is_some(), "it is asked by the caller's own name");
        assert!(
            request.metadata().get("segue-consistency").is_some(),
            "and as new as the caller has seen it"
        );
        let now = self.now.lock().unwrap();
        let songs = request.get_ref().song_ids.iter().filter_map(|id| now.get(id).cloned()).collect();
        Ok(Response::new(BatchGetSongsResponse { songs }))
    }

    type WatchSongStream = futures::stream::Empty<Result<WatchSongResponse, Status>>;

    async fn watch_song(&self, _: Request<WatchSongRequest>) -> Reply<Self::WatchSongStream> {
        Err(status(No(Code::Unimplemented)))
    }

    not_here! {
        create_song: CreateSongRequest => CreateSongResponse,
        get_upload: GetUploadRequest => GetUploadResponse,
        renew_upload: RenewUploadRequest => RenewUploadResponse,
        complete_upload: CompleteUploadRequest => CompleteUploadResponse,
        get_song: GetSongRequest => GetSongResponse,
        list_songs: ListSongsRequest => ListSongsResponse,
        update_song: UpdateSongRequest => UpdateSongResponse,
        delete_song: DeleteSongRequest => DeleteSongResponse,
        retry_song: RetrySongRequest => RetrySongResponse,
        get_playback: GetPlaybackRequest => GetPlaybackResponse,
        get_download: GetDownloadRequest => GetDownloadResponse,
        list_albums: ListAlbumsRequest => ListAlbumsResponse,
        get_album: GetAlbumRequest => GetAlbumResponse,
        list_album_songs: ListAlbumSongsRequest => ListAlbumSongsResponse,
        list_artists: ListArtistsRequest => ListArtistsResponse,
        get_artist: GetArtistRequest => GetArtistResponse,
        list_artist_songs: ListArtistSongsRequest => ListArtistSongsResponse,
        get_lyrics: GetLyricsRequest => GetLyricsResponse,
        match_songs: MatchSongsRequest => MatchSongsResponse,
    }
}
