//! What callers are told of themselves, and of one song, in their own name.

use super::{Accounts, Songs};
use crate::Error;
use segue_domain::{Code, PageSize, SongId};
use segue_mesh::Passport;
use segue_mesh::from_status;
use segue_proto::{
    identity::v1::{
        GetMeRequest, ListSessionsRequest, ListSessionsResponse, User,
        identity_service_client::IdentityServiceClient,
    },
    song::v1::{GetSongRequest, ListSongsRequest, ListSongsResponse, song_service_client::SongServiceClient},
};
use std::time::Duration;
use tonic::{Response, Status};

/// Longest wait for identity.
const DEADLINE: Duration = Duration::from_secs(5);
/// What a list is asked for at a time.
const PAGE: i32 = PageSize::MAX as i32;

impl Songs {
    /// # Errors
    /// [`Error::SongNotFound`] when the caller does not see the song; [`Error::Peer`] when the song role cannot be asked.
    pub(crate) async fn see(&self, passport: &Passport, song: SongId) -> Result<(), Error> {
        let mut request = passport.stamp(GetSongRequest { song_id: song.to_string() });
        request.set_timeout(self.deadline);
        let mut client = SongServiceClient::new(self.channel.clone());
        match ask("song", self.deadline, client.get_song(request)).await {
            Ok(_) => Ok(()),
            Err((Code::NotFound, _)) => Err(Error::SongNotFound(song)),
            Err((_, error)) => Err(error),
        }
    }

    /// A page of the caller's songs, newest first.
    ///
    /// # Errors
    /// [`Error::Peer`] when the song role cannot be asked.
    pub(crate) async fn own(
        &self,
        passport: &Passport,
        page_token: String,
    ) -> Result<ListSongsResponse, Error> {
        let list = ListSongsRequest { page_size: PAGE, page_token, ..Default::default() };
        let mut request = passport.stamp(list);
        request.set_timeout(self.deadline);
        let mut client = SongServiceClient::new(self.channel.clone());
        ask("song", self.deadline, client.list_songs(request)).await.map_err(|(_, error)| error)
    }
}

impl Accounts {
    /// The caller's account.
    ///
    /// # Errors
    /// [`Error::Peer`] when identity cannot be asked.
    pub(crate) async fn me(&self, passport: &Passport) -> Result<User, Error> {
        let mut request = passport.stamp(GetMeRequest {});
        request.set_timeout(DEADLINE);
        let mut client = IdentityServiceClient::new(self.channel.clone());
        let answer = ask("identity", DEADLINE, client.get_me(request)).await.map_err(|(_, error)| error)?;
        answer.user.ok_or_else(|| Error::Internal("identity told of nobody".into()))
    }

    /// A page of the caller's open sessions.
    ///
    /// # Errors
    /// [`Error::Peer`] when identity cannot be asked.
    pub(crate) async fn sessions(
        &self,
        passport: &Passport,
        page_token: String,
    ) -> Result<ListSessionsResponse, Error> {
        let mut request = passport.stamp(ListSessionsRequest { page_size: PAGE, page_token });
        request.set_timeout(DEADLINE);
        let mut client = IdentityServiceClient::new(self.channel.clone());
        ask("identity", DEADLINE, client.list_sessions(request)).await.map_err(|(_, error)| error)
    }
}

/// The answer of another role; or what it refused with, and what that means here.
async fn ask<T>(
    role: &'static str,
    deadline: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, (Code, Error)> {
    match tokio::time::timeout(deadline, call).await {
        Err(_) => Err((Code::DeadlineExceeded, Error::Peer { role, text: "no answer in time".into() })),
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => {
            let (code, text) = (from_status(&status), format!("{:?}: {}", status.code(), status.message()));
            Err(match code {
                Code::Internal | Code::InvalidArgument => (code, Error::Internal(text)),
                _ => (code, Error::Peer { role, text }),
            })
        }
    }
}
