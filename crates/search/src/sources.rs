//! What search asks of the owners of the data: everything that can be found, read in pages, by search's own name; and
//! how something is right now, by the name of who asks.

pub(crate) mod rows;

use crate::{Error, document::Malformed};
use segue_domain::Code;
use segue_mesh::{Channel, RoleSigner, from_status};
use segue_ports::index::{Document, Kind};
use segue_proto::{
    playlist::v1::{ScanPlaylistsRequest, playlist_service_client::PlaylistServiceClient},
    song::v1::{
        ScanAlbumsRequest, ScanArtistsRequest, ScanSongsRequest, SongState,
        song_service_client::SongServiceClient,
    },
};
use std::time::Duration;
use tonic::{Request, Response, Status, metadata::AsciiMetadataValue};

/// Longest wait for a page.
const DEADLINE: Duration = Duration::from_secs(20);

/// The services that own what can be found. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    songs: Channel,
    playlists: Channel,
    role: RoleSigner,
    page: u16,
}

/// Some documents of a kind, ascending by id.
#[derive(Debug)]
pub(crate) struct Page {
    pub documents: Vec<Document>,
    /// For the next page; `None` on the last.
    pub next: Option<String>,
}

/// The service that owns a kind.
pub(crate) fn owner_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Song | Kind::Album | Kind::Artist => "song",
        Kind::Playlist => "playlist",
    }
}

impl Sources {
    pub(crate) fn new(songs: Channel, playlists: Channel, role: RoleSigner, page: u16) -> Self {
        Self { songs, playlists, role, page }
    }

    /// A page of all documents of a kind.
    pub(crate) async fn scan(&self, kind: Kind, after: Option<String>) -> Result<Page, Error> {
        let (page_size, page_token) = (self.page.into(), after.unwrap_or_default());
        match kind {
            Kind::Song => {
                let states = vec![SongState::Ready.into()];
                let request = self.request(ScanSongsRequest { page_size, page_token, states })?;
                let answer = answered(kind, self.songs().scan_songs(request)).await?;
                page(answer.songs.into_iter().map(rows::song), answer.next_page_token)
            }
            Kind::Album => {
                let request = self.request(ScanAlbumsRequest { page_size, page_token })?;
                let answer = answered(kind, self.songs().scan_albums(request)).await?;
                page(answer.albums.into_iter().map(rows::album), answer.next_page_token)
            }
            Kind::Artist => {
                let request = self.request(ScanArtistsRequest { page_size, page_token })?;
                let answer = answered(kind, self.songs().scan_artists(request)).await?;
                page(answer.artists.into_iter().map(rows::artist), answer.next_page_token)
            }
            Kind::Playlist => {
                let request = self.request(ScanPlaylistsRequest { page_size, page_token })?;
                let answer = answered(kind, self.playlists().scan_playlists(request)).await?;
                page(answer.playlists.into_iter().map(rows::playlist), answer.next_page_token)
            }
        }
    }

    pub(crate) fn songs(&self) -> SongServiceClient<Channel> {
        SongServiceClient::new(self.songs.clone())
    }

    pub(crate) fn playlists(&self) -> PlaylistServiceClient<Channel> {
        PlaylistServiceClient::new(self.playlists.clone())
    }

    fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        let token = self.role.token().map_err(|e| Error::Internal(format!("role token: {e}")))?;
        let bearer: AsciiMetadataValue =
            format!("Bearer {token}").parse().map_err(|_| Error::Internal("role token is no text".into()))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer);
        request.set_timeout(DEADLINE);
        Ok(request)
    }
}

async fn answered<T>(
    kind: Kind,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Error> {
    let service = owner_of(kind);
    match tokio::time::timeout(DEADLINE, call).await {
        Err(_) => Err(Error::Owner(service, "deadline".into())),
        Ok(Err(status)) => {
            let text = format!("{service} service: {:?}: {}", status.code(), status.message());
            Err(match from_status(&status) {
                Code::Unimplemented => Error::Unknown(service),
                Code::Internal | Code::InvalidArgument => Error::Internal(text),
                // Also a key that was not provisioned yet.
                _ => Error::Owner(service, text),
            })
        }
        Ok(Ok(answer)) => Ok(answer.into_inner()),
    }
}

fn page(documents: impl Iterator<Item = Result<Document, Malformed>>, next: String) -> Result<Page, Error> {
    let documents = documents.collect::<Result<_, _>>().map_err(|e| Error::Internal(e.to_string()))?;
    Ok(Page { documents, next: Some(next).filter(|token| !token.is_empty()) })
}
