//! Keeps albums and artists in step with the songs.

use super::parse;
use crate::{Error, fact::header_of, role::Role};
use segue_proto::event::v1::Event;

impl Role {
    pub(super) async fn on_song_placed(&self, event: &Event) -> Result<(), Error> {
        let Some(song) = header_of(event) else {
            return Err(Error::Malformed(format!("{} says nothing about a song", event.r#type)));
        };
        self.place(parse(&song.song_id)?, event.sequence).await
    }
}
