//! Keeps each account's list in step with the playlists.

use super::parse;
use crate::{
    Error,
    fact::{Fact, header_of},
    repository::{Entry, Relation},
    role::Role,
};
use segue_domain::{PlaylistId, UserId};
use segue_mesh::from_proto;
use segue_proto::event::v1::Event;
use std::collections::BTreeMap;

impl Role {
    pub(crate) async fn on_playlist(&self, event: Event) -> Result<(), Error> {
        // What is newer than this code waits among the dead letters until the code is as new.
        let Some(header) = header_of(&event) else {
            return Err(Error::Malformed(format!("{} says nothing about a playlist", event.r#type)));
        };
        let playlist: PlaylistId = parse(&header.playlist_id)?;
        let gone = event.r#type == Fact::Deleted.topic();
        let mut relations: BTreeMap<UserId, Relation> = BTreeMap::new();
        if !header.former_collaborator_id.is_empty() {
            relations.insert(parse(&header.former_collaborator_id)?, Relation::None);
        }
        for user in &header.collaborator_ids {
            relations.insert(parse(user)?, Relation::Shared);
        }
        relations.insert(parse(&header.owner_id)?, Relation::Owned);
        // Who changed the playlist has dropped it from the cache already, unless that process died in between.
        self.playlists.heard(playlist, event.sequence).await;
        for (user, relation) in relations {
            let entry = Entry {
                user,
                playlist,
                relation: if gone { Relation::None } else { relation },
                sequence: event.sequence,
                updated: event.time.as_ref().map(from_proto).unwrap_or_default(),
            };
            self.lists.apply(&entry).await?;
        }
        Ok(())
    }
}
