//! What the encoder asks of the song service, by its own name.

use crate::Error;
use segue_domain::{Code, SongId, UserId};
use segue_mesh::{Channel, RoleSigner, from_status};
use segue_proto::song::v1::{GetSongRequest, RetrySongRequest, Song, song_service_client::SongServiceClient};
use std::time::Duration;
use tonic::{Request, Status};

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// The song service. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Songs {
    channel: Channel,
    role: RoleSigner,
}

impl Songs {
    pub(crate) fn new(channel: Channel, role: RoleSigner) -> Self {
        Self { channel, role }
    }

    /// The owner of a song; `None` when the song is gone.
    pub(crate) async fn owner(&self, song: SongId) -> Result<Option<UserId>, Error> {
        let request = self.request(GetSongRequest { song_id: song.to_string() })?;
        let mut client = SongServiceClient::new(self.channel.clone());
        let answer = tokio::time::timeout(DEADLINE, client.get_song(request)).await;
        match answer {
            Err(_) => Err(Error::Songs("deadline".into())),
            Ok(Err(status)) => match from_status(&status) {
                Code::NotFound => Ok(None),
                Code::Internal | Code::Unimplemented | Code::InvalidArgument => {
                    Err(Error::Internal(text(&status)))
                }
                // Also a key that was not provisioned yet: that is no fault of the job.
                _ => Err(Error::Songs(text(&status))),
            },
            Ok(Ok(answer)) => {
                let song = answer.into_inner().song.unwrap_or_default();
                song.owner_id
                    .parse()
                    .map(Some)
                    .map_err(|e| Error::Internal(format!("song without owner: {e}")))
            }
        }
    }

    /// Tries a FAILED song again; the id of the new encoding, or nothing when new bytes are wanted first. The song
    /// service's refusals are the answer to our own caller.
    pub(crate) async fn retry(&self, song: SongId) -> Result<String, Status> {
        let request =
            self.request(RetrySongRequest { song_id: song.to_string() }).map_err(segue_mesh::status)?;
        let answer = SongServiceClient::new(self.channel.clone())
            .retry_song(request)
            .await
            .map_err(refusal)?
            .into_inner();
        match answer.upload {
            Some(_) => Ok(String::new()),
            None => Ok(answer.song.map(|s: Song| s.encoding_id).unwrap_or_default()),
        }
    }

    fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        let token = self.role.token().map_err(|e| Error::Internal(format!("role token: {e}")))?;
        let bearer =
            format!("Bearer {token}").parse().map_err(|_| Error::Internal("role token is no text".into()))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer);
        request.set_timeout(DEADLINE);
        Ok(request)
    }
}

/// A refusal of the song service is our answer too; what concerns only the two of us is not.
fn refusal(status: Status) -> Status {
    match from_status(&status) {
        Code::NotFound | Code::FailedPrecondition | Code::Aborted | Code::ResourceExhausted => status,
        Code::Internal | Code::Unimplemented | Code::InvalidArgument => {
            segue_mesh::status(Error::Internal(text(&status)))
        }
        _ => segue_mesh::status(Error::Songs(text(&status))),
    }
}

fn text(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
