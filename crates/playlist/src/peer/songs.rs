//! What is asked of the song role, in the name of the caller: it shows what they may see and nothing else.

use crate::Error;
use segue_domain::{Code, PageSize, SongId};
use segue_mesh::Passport;
use segue_mesh::{Channel, from_status};
use segue_proto::song::v1::{
    BatchGetSongsRequest, MatchSongsRequest, Song, SongHint, SongMatch, SongState,
    song_service_client::SongServiceClient,
};
use std::{collections::HashMap, time::Duration};
use tonic::{Response, Status};

/// What one call may ask for.
const BATCH: usize = PageSize::MAX as usize;

/// The song role. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Songs {
    pub(super) channel: Channel,
    pub(super) deadline: Duration,
}

impl Songs {
    pub(crate) fn new(channel: Channel, deadline: Duration) -> Self {
        Self { channel, deadline }
    }

    /// Those of the songs that the caller sees. One call for each 200 of them.
    ///
    /// # Errors
    /// [`Error::Peer`] when the song role cannot be asked.
    pub(crate) async fn find(
        &self,
        passport: &Passport,
        ids: impl IntoIterator<Item = SongId>,
    ) -> Result<HashMap<SongId, Song>, Error> {
        let mut ids: Vec<SongId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = HashMap::with_capacity(ids.len());
        for part in ids.chunks(BATCH) {
            let song_ids = part.iter().map(SongId::to_string).collect();
            let mut request = passport.stamp(BatchGetSongsRequest { song_ids });
            request.set_timeout(self.deadline);
            let mut client = SongServiceClient::new(self.channel.clone());
            let songs = self.in_time(client.batch_get_songs(request)).await?.songs;
            found.extend(songs.into_iter().filter_map(|song| Some((song.song_id.parse().ok()?, song))));
        }
        Ok(found)
    }

    /// Which of the caller's songs are meant, one for each hint; at most 200 hints.
    ///
    /// # Errors
    /// [`Error::Peer`] when the song role cannot be asked.
    pub(crate) async fn matching(
        &self,
        passport: &Passport,
        hints: Vec<SongHint>,
    ) -> Result<Vec<SongMatch>, Error> {
        let asked = hints.len();
        let mut request = passport.stamp(MatchSongsRequest { hints });
        request.set_timeout(self.deadline);
        let mut client = SongServiceClient::new(self.channel.clone());
        let matches = self.in_time(client.match_songs(request)).await?.matches;
        if matches.len() != asked {
            return Err(Error::Internal(format!("{} answers to {asked} hints", matches.len())));
        }
        Ok(matches)
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Error> {
        let away = |text: String| Error::Peer { role: "song", text };
        match tokio::time::timeout(self.deadline, call).await {
            Err(_) => Err(away("no answer in time".into())),
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => {
                let text = format!("{:?}: {}", status.code(), status.message());
                Err(match from_status(&status) {
                    Code::Internal | Code::InvalidArgument => Error::Internal(text),
                    _ => away(text),
                })
            }
        }
    }
}

/// Whether a song that the caller sees plays now.
pub(crate) fn plays(song: &Song) -> bool {
    song.state() == SongState::Ready
}
