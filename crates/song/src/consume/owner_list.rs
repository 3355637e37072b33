//! Keeps each owner's list in step with the songs.

use super::parse;
use crate::{
    Error,
    fact::{Fact, header_of},
    repository::{Entry, Names},
    role::Role,
};
use segue_mesh::from_proto;
use segue_proto::event::v1::Event;

impl Role {
    pub(super) async fn on_song(&self, event: &Event) -> Result<(), Error> {
        // What is newer than this code waits among the dead letters until the code is as new.
        let Some(song) = header_of(event) else {
            return Err(Error::Malformed(format!("{} says nothing about a song", event.r#type)));
        };
        let entry = Entry {
            owner: parse(&song.owner_id)?,
            song: parse(&song.song_id)?,
            sequence: event.sequence,
            state: song.state.parse().map_err(|e| Error::Malformed(format!("{e}")))?,
            sha256: song.sha256.clone(),
            created: song.create_time.as_ref().map(from_proto).unwrap_or_default(),
            deleted: event.r#type == Fact::Deleted.topic(),
            names: Names {
                isrc: song.isrc.clone(),
                musicbrainz_id: song.musicbrainz_id.clone(),
                duration_ms: song.duration_ms,
                ..Names::of(&song.title, &song.artists)
            },
        };
        // Who changed the song has dropped it from the cache already, unless that process died in between.
        self.songs.heard(entry.song, entry.sequence).await;
        Ok(self.list.apply(&entry).await?)
    }
}
