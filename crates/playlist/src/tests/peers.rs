//! As much of the song role and of identity as playlists and libraries ask. A bearer token is the id of an account; without
//! one nobody asks.

use segue_domain::{Code, Coded, SessionId, SongId, UserId};
use segue_mesh::{Channel, Reply, status};
use segue_proto::{
    identity::v1::{
        identity_service_server::{IdentityService, IdentityServiceServer},
        *,
    },
    song::v1::{
        song_service_server::{SongService, SongServiceServer},
        *,
    },
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tonic::{Request, Response, Status, service::Routes};

/// The song role: rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct SongRows {
    pub(crate) rows: Arc<Mutex<BTreeMap<SongId, Song>>>,
    /// Calls that were made.
    pub(crate) calls: Arc<Mutex<u32>>,
    /// It cannot be reached.
    pub(crate) away: Arc<Mutex<bool>>,
}

/// Identity: accounts by address. Who asks for themselves has an account, and two sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct People(pub(crate) Arc<Mutex<BTreeMap<String, UserId>>>);

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

fn no(code: Code) -> Status {
    status(No(code))
}

fn caller<T>(request: &Request<T>) -> Option<UserId> {
    let token = request.metadata().get("authorization")?.to_str().unwrap();
    Some(token.strip_prefix("Bearer ").unwrap().parse().expect("the id of an account"))
}

impl SongRows {
    pub(crate) fn channel(&self) -> Channel {
        let routes = Routes::new(SongServiceServer::new(self.clone()));
        Channel::local(routes.prepare().into_axum_router())
    }

    fn find(&self, who: Option<UserId>, id: &str) -> Option<Song> {
        let song = self.rows.lock().unwrap().get(&id.parse().ok()?)?.clone();
        let own = who.is_some_and(|who| song.owner_id == who.to_string());
        (own || song.visibility() != Visibility::Private).then_some(song)
    }

    fn called(&self) -> Result<(), Status> {
        *self.calls.lock().unwrap() += 1;
        if *self.away.lock().unwrap() { Err(no(Code::Unavailable)) } else { Ok(()) }
    }
}

impl People {
    pub(crate) fn channel(&self) -> Channel {
        let routes = Routes::new(IdentityServiceServer::new(self.clone()));
        Channel::local(routes.prepare().into_axum_router())
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
                Box::pin(async { Err(no(Code::Unimplemented)) })
            }
        )*
    };
}

#[tonic::async_trait]
impl SongService for SongRows {
    async fn get_song(&self, request: Request<GetSongRequest>) -> Reply<GetSongResponse> {
        let song = self.find(caller(&request), &request.get_ref().song_id);
        let song = Some(song.ok_or_else(|| no(Code::NotFound))?);
        Ok(Response::new(GetSongResponse { song }))
    }

    async fn batch_get_songs(&self, request: Request<BatchGetSongsRequest>) -> Reply<BatchGetSongsResponse> {
        self.called()?;
        let who = caller(&request);
        let ids = request.into_inner().song_ids;
        assert!((1..=200).contains(&ids.len()), "{} songs at once", ids.len());
        let songs = ids.iter().filter_map(|id| self.find(who, id)).collect();
        Ok(Response::new(BatchGetSongsResponse { songs }))
    }

    async fn match_songs(&self, request: Request<MatchSongsRequest>) -> Reply<MatchSongsResponse> {
        self.called()?;
        let owner = caller(&request).expect("matching is for accounts").to_string();
        let hints = request.into_inner().hints;
        assert!((1..=200).contains(&hints.len()), "{} hints at once", hints.len());
        let rows = self.rows.lock().unwrap();
        let find = |hint: &SongHint| {
            let mut mine = rows.values().filter(|song| song.owner_id == owner);
            let isrc = hint.isrc.replace('-', "");
            let found = mine.find(|song| {
                let coded = !isrc.is_empty() && song.isrc == isrc;
                let recorded = !hint.musicbrainz_id.is_empty() && song.musicbrainz_id == hint.musicbrainz_id;
                let named = song.title == hint.title && song.artists.join(", ") == hint.artist;
                coded || recorded || (named && !hint.title.is_empty())
            });
            found.map(|song| SongMatch { song_id: song.song_id.clone(), duration_ms: song.duration_ms })
        };
        let matches = hints.iter().map(|hint| find(hint).unwrap_or_default()).collect();
        Ok(Response::new(MatchSongsResponse { matches }))
    }

    async fn list_songs(&self, request: Request<ListSongsRequest>) -> Reply<ListSongsResponse> {
        let owner = caller(&request).expect("lists are for accounts").to_string();
        let ListSongsRequest { page_token, .. } = request.into_inner();
        let rows = self.rows.lock().unwrap();
        let mine = rows.values().filter(|song| song.owner_id == owner && song.song_id > page_token);
        // Pages are small, so that there are several.
        let mut songs: Vec<Song> = mine.take(8).cloned().collect();
        let next_page_token = match songs.len() {
            8 => {
                songs.pop();
                songs[6].song_id.clone()
            }
            _ => String::new(),
        };
        Ok(Response::new(ListSongsResponse { songs, next_page_token }))
    }

    type WatchSongStream = futures::stream::Empty<Result<WatchSongResponse, Status>>;

    async fn watch_song(&self, _: Request<WatchSongRequest>) -> Reply<Self::WatchSongStream> {
        Err(no(Code::Unimplemented))
    }

    not_here! {
        create_song: CreateSongRequest => CreateSongResponse,
        get_upload: GetUploadRequest => GetUploadResponse,
        renew_upload: RenewUploadRequest => RenewUploadResponse,
        complete_upload: CompleteUploadRequest => CompleteUploadResponse,
        update_song: UpdateSongRequest => UpdateSongResponse,
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
        scan_albums: ScanAlbumsRequest => ScanAlbumsResponse,
        scan_artists: ScanArtistsRequest => ScanArtistsResponse,
    }
}

#[tonic::async_trait]
impl IdentityService for People {
    async fn get_me(&self, request: Request<GetMeRequest>) -> Reply<GetMeResponse> {
        let user_id = caller(&request).expect("only accounts ask for themselves").to_string();
        let user = User { user_id, display_name: "Zoë \"Z\"".into(), ..Default::default() };
        Ok(Response::new(GetMeResponse { user: Some(user) }))
    }

    async fn list_sessions(&self, request: Request<ListSessionsRequest>) -> Reply<ListSessionsResponse> {
        let session = Session { session_id: SessionId::new().to_string(), ..Default::default() };
        let next_page_token = if request.get_ref().page_token.is_empty() { "more" } else { "" }.into();
        Ok(Response::new(ListSessionsResponse { sessions: vec![session], next_page_token }))
    }

    async fn resolve_user(&self, request: Request<ResolveUserRequest>) -> Reply<ResolveUserResponse> {
        let text = request.into_inner().user;
        let accounts = self.0.lock().unwrap();
        let mut known = accounts.iter();
        let found = known.find(|(email, id)| **email == text || id.to_string() == text);
        let (email, user) = found.ok_or_else(|| no(Code::NotFound))?;
        let display_name = format!("{email} by name");
        Ok(Response::new(ResolveUserResponse { user_id: user.to_string(), display_name }))
    }

    not_here! {
        sign_up: SignUpRequest => SignUpResponse,
        sign_in: SignInRequest => SignInResponse,
        refresh_session: RefreshSessionRequest => RefreshSessionResponse,
        sign_out: SignOutRequest => SignOutResponse,
        update_me: UpdateMeRequest => UpdateMeResponse,
        change_password: ChangePasswordRequest => ChangePasswordResponse,
        delete_me: DeleteMeRequest => DeleteMeResponse,
        revoke_session: RevokeSessionRequest => RevokeSessionResponse,
        get_jwks: GetJwksRequest => GetJwksResponse,
        list_users: ListUsersRequest => ListUsersResponse,
        disable_user: DisableUserRequest => DisableUserResponse,
        enable_user: EnableUserRequest => EnableUserResponse,
        reset_password: ResetPasswordRequest => ResetPasswordResponse,
        list_revocations: ListRevocationsRequest => ListRevocationsResponse,
    }
}
