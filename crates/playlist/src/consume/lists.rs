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
    /// Of several facts that say the same thing of a playlist only the last is written.
    pub(crate) async fn on_playlists(&self, events: Vec<Event>) -> Result<(), Error> {
        let mut newest: BTreeMap<PlaylistId, u64> = BTreeMap::new();
        let mut entries: BTreeMap<(UserId, PlaylistId), Entry> = BTreeMap::new();
        for entry in events.iter().map(entries_of).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            let Entry { user, playlist, sequence, .. } = entry;
            let known = newest.entry(playlist).or_default();
            *known = sequence.max(*known);
            entries
                .entry((user, playlist))
                .and_modify(|before| {
                    if before.sequence < sequence {
                        *before = entry;
                    }
                })
                .or_insert(entry);
        }
        // Who changed a playlist has dropped it from the cache already, unless that process died in between.
        for (playlist, sequence) in newest {
            self.playlists.heard(playlist, sequence).await;
        }
        for entry in entries.values() {
            self.lists.apply(entry).await?;
        }
        Ok(())
    }
}

/// What a fact says to each account that it concerns; always something to the owner.
fn entries_of(event: &Event) -> Result<Vec<Entry>, Error> {
    // What is newer than this code waits among the dead letters until the code is as new.
    let Some(header) = header_of(event) else {
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
    let entry = |(user, relation)| Entry {
        user,
        playlist,
        relation: if gone { Relation::None } else { relation },
        sequence: event.sequence,
        updated: event.time.as_ref().map(from_proto).unwrap_or_default(),
    };
    Ok(relations.into_iter().map(entry).collect())
}
