//! What search asks of the song service, by its own name.

use crate::{Error, document};
use segue_domain::Code;
use segue_mesh::{Channel, RoleSigner, from_status};
use segue_ports::index::Document;
use segue_proto::song::v1::{ScanSongsRequest, SongState, song_service_client::SongServiceClient};
use std::time::Duration;
use tonic::Request;

/// Longest wait for a page.
const DEADLINE: Duration = Duration::from_secs(20);

/// The song service. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Songs {
    channel: Channel,
    role: RoleSigner,
    page: u16,
}

/// Some songs that play, ascending by id.
#[derive(Debug)]
pub(crate) struct Page {
    pub documents: Vec<Document>,
    /// For the next page; `None` on the last.
    pub next: Option<String>,
}

impl Songs {
    pub(crate) fn new(channel: Channel, role: RoleSigner, page: u16) -> Self {
        Self { channel, role, page }
    }

    /// A page of all songs that play, as documents.
    pub(crate) async fn scan(&self, after: Option<String>) -> Result<Page, Error> {
        let token = self.role.token().map_err(|e| Error::Internal(format!("role token: {e}")))?;
        let bearer =
            format!("Bearer {token}").parse().map_err(|_| Error::Internal("role token is no text".into()))?;
        let mut request = Request::new(ScanSongsRequest {
            page_size: self.page.into(),
            page_token: after.unwrap_or_default(),
            states: vec![SongState::Ready.into()],
        });
        request.metadata_mut().insert("authorization", bearer);
        request.set_timeout(DEADLINE);
        let mut client = SongServiceClient::new(self.channel.clone());
        let answer = match tokio::time::timeout(DEADLINE, client.scan_songs(request)).await {
            Err(_) => return Err(Error::Songs("deadline".into())),
            Ok(Err(status)) => {
                let text = format!("{:?}: {}", status.code(), status.message());
                return Err(match from_status(&status) {
                    Code::Internal | Code::Unimplemented | Code::InvalidArgument => Error::Internal(text),
                    // Also a key that was not provisioned yet.
                    _ => Error::Songs(text),
                });
            }
            Ok(Ok(answer)) => answer.into_inner(),
        };
        let documents = answer.songs.into_iter().map(document::scanned).collect::<Result<_, _>>();
        Ok(Page {
            documents: documents.map_err(|e| Error::Internal(e.to_string()))?,
            next: Some(answer.next_page_token).filter(|token| !token.is_empty()),
        })
    }
}
