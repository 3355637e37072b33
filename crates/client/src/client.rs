//! A connection to a server, and the session that its calls are made in.

use crate::{
    ClientError, CredentialStore, Credentials,
    consistency::{Consistent, Seen},
    error::is_broken_connection,
};
use segue_proto::{
    encoder::v1::encoder_service_client::EncoderServiceClient,
    identity::v1::{
        RefreshSessionRequest, SignInRequest, SignOutRequest, SignUpRequest, Tokens, User,
        identity_service_client::IdentityServiceClient,
    },
    playlist::v1::{
        library_service_client::LibraryServiceClient, playlist_service_client::PlaylistServiceClient,
    },
    search::v1::search_service_client::SearchServiceClient,
    song::v1::song_service_client::SongServiceClient,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tonic::{
    Request, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};

/// Tokens that end sooner than this are renewed before they are used.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// A client of one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    channel: Channel,
    http: reqwest::Client,
    store: Arc<dyn CredentialStore>,
    renewing: tokio::sync::Mutex<()>,
    seen: Arc<Seen>,
}

impl Client {
    /// A client of the server at `url` (`http://127.0.0.1:4420`). Connects when first used.
    pub fn new(url: &str, store: Arc<dyn CredentialStore>) -> Result<Self, ClientError> {
        let other = |e: &dyn std::fmt::Display| {
            ClientError::Other(format!("{url} is not an address of a server: {e}"))
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(other(&"it begins with neither http:// nor https://"));
        }
        let mut endpoint = Endpoint::from_shared(url.to_owned()).map_err(|e| other(&e))?;
        if url.starts_with("https:") {
            endpoint =
                endpoint.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(|e| other(&e))?;
        }
        let channel = endpoint
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .user_agent(concat!("segue/", env!("CARGO_PKG_VERSION")))
            .map_err(|e| other(&e))?
            .connect_lazy();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| ClientError::Other(e.to_string()))?;
        let inner = Inner {
            url: url.trim_end_matches('/').to_owned(),
            channel,
            http,
            store,
            renewing: tokio::sync::Mutex::default(),
            seen: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// For bytes by signed URL.
    pub fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    /// The song service. Reads see what this client wrote before, wherever they are answered.
    pub fn songs(&self) -> SongServiceClient<Consistent> {
        SongServiceClient::new(Consistent::new(self.inner.channel.clone(), self.inner.seen.clone()))
    }
    /// The identity service.
    pub fn identity(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.inner.channel.clone())
    }
    /// The encoder service.
    pub fn encodings(&self) -> EncoderServiceClient<Channel> {
        EncoderServiceClient::new(self.inner.channel.clone())
    }

    /// The playlist service. Reads see what this client wrote before, wherever they are answered.
    pub fn playlist_service(&self) -> PlaylistServiceClient<Consistent> {
        PlaylistServiceClient::new(Consistent::new(self.inner.channel.clone(), self.inner.seen.clone()))
    }
    /// Likes and listening history. Reads see what this client wrote before.
    pub fn library_service(&self) -> LibraryServiceClient<Consistent> {
        LibraryServiceClient::new(Consistent::new(self.inner.channel.clone(), self.inner.seen.clone()))
    }

    /// The search service.
    pub fn searches(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.inner.channel.clone())
    }

    /// Versions of what this client changed last, for another one that is to read no older ones.
    pub fn seen(&self) -> String {
        self.inner.seen.text()
    }
    /// What [`Client::seen`] said of another client of this server: from now on nothing older is read.
    pub fn has_seen(&self, marks: &str) {
        self.inner.seen.note_all(marks);
    }

    /// Makes an account and keeps its session.
    pub async fn sign_up(&self, request: SignUpRequest) -> Result<User, ClientError> {
        let answer = self.identity().sign_up(request).await.map_err(|s| self.refused(s))?.into_inner();
        self.keep(answer.user, answer.tokens)
    }

    /// Opens a session and keeps it.
    pub async fn sign_in(&self, email: &str, password: &str, device: &str) -> Result<User, ClientError> {
        let request = SignInRequest { email: email.into(), password: password.into(), device: device.into() };
        let answer = self.identity().sign_in(request).await.map_err(|s| self.refused(s))?.into_inner();
        self.keep(answer.user, answer.tokens)
    }

    /// Ends the session and forgets it. A server that is away does not keep the tokens from being forgotten.
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        let ended = match self.request(SignOutRequest {}).await {
            Ok(request) => self.identity().sign_out(request).await.map(|_| ()).map_err(|s| self.refused(s)),
            Err(error) => Err(error),
        };
        self.forget_session()?;
        match ended {
            Err(ClientError::Refused(s)) if s.code() == tonic::Code::Unauthenticated => Ok(()),
            ended => ended,
        }
    }

    /// Keeps no session any more.
    pub(crate) fn forget_session(&self) -> Result<(), ClientError> {
        self.inner.store.save(None).map_err(ClientError::Credentials)
    }

    /// As [`Client::request`]; without a session, a request of nobody in particular, for what everybody may ask.
    pub async fn open_request<T>(&self, message: T) -> Result<Request<T>, ClientError> {
        match self.request(()).await {
            Ok(request) => {
                let (metadata, extensions, ()) = request.into_parts();
                Ok(Request::from_parts(metadata, extensions, message))
            }
            Err(ClientError::NotSignedIn { .. }) => Ok(Request::new(message)),
            Err(error) => Err(error),
        }
    }

    /// A request that carries the session's access token, renewed when it is about to end.
    pub async fn request<T>(&self, message: T) -> Result<Request<T>, ClientError> {
        let token = self.access_token().await?;
        let value = format!("Bearer {token}").parse().map_err(|_| self.not_signed_in())?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }

    /// The access token, renewed when it is about to end.
    pub async fn access_token(&self) -> Result<String, ClientError> {
        let fresh = |c: &Credentials| c.access_expires_ms > now_ms() + RENEW_BEFORE.as_millis() as i64;
        let kept = self.load()?;
        if fresh(&kept) {
            return Ok(kept.access_token);
        }
        let _turn = self.inner.renewing.lock().await;
        let store = Arc::clone(&self.inner.store);
        let lock = tokio::task::spawn_blocking(move || store.lock()).await;
        let _lock = lock.map_err(|e| ClientError::Other(e.to_string()))?.map_err(ClientError::Credentials)?;
        // Another task or process may have renewed them while we waited.
        let kept = self.load()?;
        if fresh(&kept) {
            return Ok(kept.access_token);
        }
        let request = RefreshSessionRequest { refresh_token: kept.refresh_token };
        let tokens = match self.identity().refresh_session(request).await {
            Ok(answer) => answer.into_inner().tokens.unwrap_or_default(),
            Err(s) if s.code() == tonic::Code::Unauthenticated => return Err(self.not_signed_in()),
            Err(s) => return Err(self.refused(s)),
        };
        let renewed = credentials(&tokens, kept.email);
        self.inner.store.save(Some(&renewed)).map_err(ClientError::Credentials)?;
        Ok(renewed.access_token)
    }

    /// A refusal in words, with broken connections told apart from answers.
    pub fn refused(&self, status: Status) -> ClientError {
        use std::error::Error;
        let broken = is_broken_connection(&status)
            || (status.code() == tonic::Code::Unavailable && status.source().is_some());
        if broken {
            let mut cause = status.message().to_owned();
            let mut source = status.source();
            while let Some(error) = source {
                cause = error.to_string();
                source = error.source();
            }
            return ClientError::Unreachable { url: self.inner.url.clone(), cause };
        }
        status.into()
    }

    fn load(&self) -> Result<Credentials, ClientError> {
        self.inner.store.load().map_err(ClientError::Credentials)?.ok_or_else(|| self.not_signed_in())
    }

    fn not_signed_in(&self) -> ClientError {
        ClientError::NotSignedIn { url: self.inner.url.clone() }
    }

    fn keep(&self, user: Option<User>, tokens: Option<Tokens>) -> Result<User, ClientError> {
        let (Some(user), Some(tokens)) = (user, tokens) else {
            return Err(ClientError::Other("the server answered without an account or a session".into()));
        };
        self.inner
            .store
            .save(Some(&credentials(&tokens, user.email.clone())))
            .map_err(ClientError::Credentials)?;
        Ok(user)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.inner.url)
    }
}

fn credentials(tokens: &Tokens, email: String) -> Credentials {
    let expires = tokens.access_expire_time.as_ref().map_or(0, |t| t.seconds * 1000);
    Credentials {
        access_token: tokens.access_token.clone(),
        access_expires_ms: expires,
        refresh_token: tokens.refresh_token.clone(),
        email,
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}
