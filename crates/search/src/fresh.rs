//! Reading one's own writes.
//!
//! The index learns of a change a moment later. Who made it says so with `segue-consistency: id@version`, as for any
//! read; then what the index has of an older version is asked of its owner, with the caller's own token, and shown as
//! it is now, or not at all. What is new to the question by the change is found when the index knows it.

use crate::{role::Inner, sources::rows::visibility};
use segue_mesh::{Passport, Seen, from_proto};
use segue_ports::index::{Document, Hit, Kind};
use segue_proto::{
    playlist::v1::{GetPlaylistRequest, Playlist},
    song::v1::{BatchGetSongsRequest, Song, SongState},
};
use std::{collections::HashMap, time::Duration};
use tonic::Request;

/// Longest wait for the owner. What cannot be asked is not shown.
const DEADLINE: Duration = Duration::from_secs(2);

/// What a caller has seen, and what they prove themselves with.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    seen: Seen,
    passport: Passport,
}

impl Asker {
    /// Who makes a call.
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        Self { seen: Seen::of(request), passport: Passport::of(request) }
    }

    fn is_newer(&self, document: &Document) -> bool {
        matches!(document.kind, Kind::Song | Kind::Playlist)
            && document.version < self.seen.at_least(&document.id)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.passport.stamp(message);
        request.set_timeout(DEADLINE);
        request
    }
}

impl Inner {
    /// Shows what the caller has seen newer as it is now.
    pub(crate) async fn freshen(&self, asker: &Asker, hits: &mut Vec<Hit>) {
        let old = |kind| {
            let of_kind = hits.iter().map(|hit| &hit.document).filter(move |document| document.kind == kind);
            of_kind.filter(|document| asker.is_newer(document)).map(|d| d.id.clone()).collect::<Vec<_>>()
        };
        let (songs, playlists) = (old(Kind::Song), old(Kind::Playlist));
        if songs.is_empty() && playlists.is_empty() {
            return;
        }
        let asked =
            async { tokio::join!(self.songs_now(asker, songs), self.playlists_now(asker, playlists)) };
        let (songs, playlists) = tokio::time::timeout(DEADLINE, asked).await.unwrap_or_default();
        hits.retain_mut(|hit| {
            if !asker.is_newer(&hit.document) {
                return true;
            }
            let now = match hit.document.kind {
                Kind::Song => songs.get(&hit.document.id).is_some_and(|now| song(&mut hit.document, now)),
                _ => playlists.get(&hit.document.id).is_some_and(|now| playlist(&mut hit.document, now)),
            };
            // They mark what was there before.
            hit.highlights.clear();
            now
        });
    }

    async fn songs_now(&self, asker: &Asker, song_ids: Vec<String>) -> HashMap<String, Song> {
        if song_ids.is_empty() {
            return HashMap::new();
        }
        let request = asker.request(BatchGetSongsRequest { song_ids });
        match self.sources.songs().batch_get_songs(request).await {
            Ok(answer) => {
                answer.into_inner().songs.into_iter().map(|song| (song.song_id.clone(), song)).collect()
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), "songs that a caller changed cannot be asked for");
                HashMap::new()
            }
        }
    }

    async fn playlists_now(&self, asker: &Asker, ids: Vec<String>) -> HashMap<String, Playlist> {
        let client = self.sources.playlists();
        let one = |playlist_id: String| {
            let mut client = client.clone();
            async move {
                let request = asker.request(GetPlaylistRequest { playlist_id: playlist_id.clone() });
                let answer = client.get_playlist(request).await.ok()?.into_inner();
                answer.playlist.map(|playlist| (playlist_id, playlist))
            }
        };
        futures::future::join_all(ids.into_iter().map(one)).await.into_iter().flatten().collect()
    }
}

/// Takes over how it is now. False when it does not play.
fn song(document: &mut Document, now: &Song) -> bool {
    document.visibility = visibility(now.visibility());
    document.title.clone_from(&now.title);
    document.artists.clone_from(&now.artists);
    document.album.clone_from(&now.album);
    document.album_artist.clone_from(&now.album_artist);
    document.genre.clone_from(&now.genre);
    document.year = now.year;
    document.duration_ms = now.duration_ms;
    now.state() == SongState::Ready
}

fn playlist(document: &mut Document, now: &Playlist) -> bool {
    document.visibility = visibility(now.visibility());
    document.title.clone_from(&now.title);
    document.description.clone_from(&now.description);
    document.items = now.item_count;
    document.duration_ms = now.duration_ms;
    document.created = now.create_time.as_ref().map(from_proto).unwrap_or(document.created);
    true
}
