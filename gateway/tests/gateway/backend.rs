//! Services that do on request what roles do at their best and worst.

use segue_domain::{Code, Coded};
use segue_mesh::{Caller, Reply, origin, status};
use segue_proto::{identity::v1::*, song::v1::*};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

/// What tests look at from outside.
#[derive(Clone, Default)]
pub(crate) struct Backend {
    /// Calls that reached a handler.
    pub(crate) calls: Arc<AtomicUsize>,
    /// Handlers and streams that are at work now.
    pub(crate) at_work: Arc<AtomicUsize>,
}

impl Backend {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn begin(&self) -> AtWork {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(Arc::clone(&self.at_work))
    }
}

struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no song that this caller may see; ünïcode survives")]
struct NoSong;

impl Coded for NoSong {
    fn code(&self) -> Code {
        Code::NotFound
    }
    fn reason(&self) -> &'static str {
        "SONG_NOT_FOUND"
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not in this test")]
struct NotHere;

impl Coded for NotHere {
    fn code(&self) -> Code {
        Code::Unimplemented
    }
    fn reason(&self) -> &'static str {
        "NOT_IN_THIS_TEST"
    }
}

macro_rules! not_here {
    ($($name:ident: $request:ident => $response:ident,)*) => {
        $(
            fn $name<'a, 'b>(&'a self, _: Request<$request>) -> Pin<Box<dyn Future<Output = Reply<$response>> + Send + 'b>>
            where
                'a: 'b,
                Self: 'b,
            {
                Box::pin(async { Err(status(NotHere)) })
            }
        )*
    };
}

fn header<T>(request: &Request<T>, name: &str) -> String {
    request.metadata().get(name).map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
}

#[tonic::async_trait]
impl song_service_server::SongService for Backend {
    async fn get_song(&self, request: Request<GetSongRequest>) -> Reply<GetSongResponse> {
        let _at_work = self.begin();
        match request.get_ref().song_id.as_str() {
            "missing" => return Err(status(NoSong)),
            "panic" => panic!("a handler that panics"),
            "hang" => std::future::pending().await,
            _ => {}
        }
        let seen = [
            ("origin", origin(&request, "none")),
            ("timeout", header(&request, "grpc-timeout")),
            ("segue-user", header(&request, "segue-user")),
            ("segue-consistency", header(&request, "segue-consistency")),
            ("x-custom", header(&request, "x-custom")),
            ("caller", format!("{:?}", Caller::of(&request).user_id())),
        ];
        let artists = seen.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let song = Song { song_id: request.into_inner().song_id, artists, ..Song::default() };
        let mut response = Response::new(GetSongResponse { song: Some(song) });
        response.metadata_mut().insert("segue-consistency", "token".parse().unwrap());
        Ok(response)
    }

    async fn update_song(&self, _: Request<UpdateSongRequest>) -> Reply<UpdateSongResponse> {
        let _at_work = self.begin();
        Ok(Response::new(UpdateSongResponse::default()))
    }

    async fn batch_get_songs(&self, request: Request<BatchGetSongsRequest>) -> Reply<BatchGetSongsResponse> {
        let _at_work = self.begin();
        let songs = request.get_ref().song_ids.iter().map(|_| Song::default()).collect();
        Ok(Response::new(BatchGetSongsResponse { songs }))
    }

    type WatchSongStream = Pin<Box<dyn Stream<Item = Result<WatchSongResponse, Status>> + Send>>;

    async fn watch_song(&self, request: Request<WatchSongRequest>) -> Reply<Self::WatchSongStream> {
        let at_work = self.begin();
        let kind = request.into_inner().song_id;
        let length = if kind == "endless" { u32::MAX } else { 3 };
        let stream = tokio_stream::iter(0..length).throttle(Duration::from_millis(5)).map(move |percent| {
            let _hold = &at_work;
            match (kind.as_str(), percent) {
                ("fail", 2) => Err(status(NoSong)),
                ("panic", 2) => panic!("a stream that panics"),
                _ => Ok(WatchSongResponse { song: None, percent }),
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }

    not_here! {
        create_song: CreateSongRequest => CreateSongResponse,
        get_upload: GetUploadRequest => GetUploadResponse,
        renew_upload: RenewUploadRequest => RenewUploadResponse,
        complete_upload: CompleteUploadRequest => CompleteUploadResponse,
        list_songs: ListSongsRequest => ListSongsResponse,
        delete_song: DeleteSongRequest => DeleteSongResponse,
        retry_song: RetrySongRequest => RetrySongResponse,
        get_playback: GetPlaybackRequest => GetPlaybackResponse,
        get_download: GetDownloadRequest => GetDownloadResponse,
        scan_songs: ScanSongsRequest => ScanSongsResponse,
        list_albums: ListAlbumsRequest => ListAlbumsResponse,
        get_album: GetAlbumRequest => GetAlbumResponse,
        list_album_songs: ListAlbumSongsRequest => ListAlbumSongsResponse,
        list_artists: ListArtistsRequest => ListArtistsResponse,
        get_artist: GetArtistRequest => GetArtistResponse,
        list_artist_songs: ListArtistSongsRequest => ListArtistSongsResponse,
        get_lyrics: GetLyricsRequest => GetLyricsResponse,
        match_songs: MatchSongsRequest => MatchSongsResponse,
        scan_albums: ScanAlbumsRequest => ScanAlbumsResponse,
        scan_artists: ScanArtistsRequest => ScanArtistsResponse,
    }
}

#[tonic::async_trait]
impl identity_service_server::IdentityService for Backend {
    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Reply<GetJwksResponse> {
        let _at_work = self.begin();
        Ok(Response::new(GetJwksResponse { jwks_json: r#"{"keys":[]}"#.into() }))
    }

    async fn get_me(&self, _: Request<GetMeRequest>) -> Reply<GetMeResponse> {
        let _at_work = self.begin();
        Ok(Response::new(GetMeResponse::default()))
    }

    async fn sign_in(&self, _: Request<SignInRequest>) -> Reply<SignInResponse> {
        let _at_work = self.begin();
        Ok(Response::new(SignInResponse::default()))
    }

    not_here! {
        sign_up: SignUpRequest => SignUpResponse,
        refresh_session: RefreshSessionRequest => RefreshSessionResponse,
        sign_out: SignOutRequest => SignOutResponse,
        update_me: UpdateMeRequest => UpdateMeResponse,
        change_password: ChangePasswordRequest => ChangePasswordResponse,
        delete_me: DeleteMeRequest => DeleteMeResponse,
        list_sessions: ListSessionsRequest => ListSessionsResponse,
        revoke_session: RevokeSessionRequest => RevokeSessionResponse,
        list_users: ListUsersRequest => ListUsersResponse,
        disable_user: DisableUserRequest => DisableUserResponse,
        enable_user: EnableUserRequest => EnableUserResponse,
        reset_password: ResetPasswordRequest => ResetPasswordResponse,
        list_revocations: ListRevocationsRequest => ListRevocationsResponse,
        resolve_user: ResolveUserRequest => ResolveUserResponse,
    }
}
