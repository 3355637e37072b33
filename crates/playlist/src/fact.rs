//! What a change is called on the bus, and the event that carries it.

use crate::record::{Person, PlaylistRecord};
use segue_domain::{EventId, UserId};
use segue_mesh::to_proto;
use segue_proto::event::v1::{Event, PlaylistChanged, event::Data};

/// A change of a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Created,
    Updated,
    Deleted,
}

impl Fact {
    /// Type of the event and its topic on the bus.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Created => "playlist.created.v1",
            Self::Updated => "playlist.updated.v1",
            Self::Deleted => "playlist.deleted.v1",
        }
    }

    /// The event that says that `playlist` has become what it is. `people` see it, or saw it until it was deleted; `left` is
    /// somebody whom it concerns no longer.
    pub(crate) fn event(self, playlist: &PlaylistRecord, people: &[Person], left: Option<UserId>) -> Event {
        let header = PlaylistChanged {
            playlist_id: playlist.id.to_string(),
            owner_id: playlist.owner.to_string(),
            visibility: playlist.visibility.to_string(),
            title: playlist.title.clone(),
            description: playlist.description.clone(),
            item_count: playlist.item_count,
            duration_ms: playlist.duration_ms,
            create_time: Some(to_proto(playlist.created)),
            collaborator_ids: people.iter().map(|person| person.user.to_string()).collect(),
            former_collaborator_id: left.map(String::from).unwrap_or_default(),
        };
        Event {
            id: EventId::new().to_string(),
            r#type: self.topic().to_owned(),
            subject: playlist.id.to_string(),
            sequence: playlist.version,
            time: Some(to_proto(playlist.updated)),
            shard_key: playlist.id.to_string(),
            data: Some(match self {
                Self::Created => Data::PlaylistCreated(header),
                Self::Updated => Data::PlaylistUpdated(header),
                Self::Deleted => Data::PlaylistDeleted(header),
            }),
        }
    }
}

/// The header of a playlist in `event`, when the event is about a playlist.
pub(crate) fn header_of(event: &Event) -> Option<&PlaylistChanged> {
    match event.data.as_ref()? {
        Data::PlaylistCreated(header) | Data::PlaylistUpdated(header) | Data::PlaylistDeleted(header) => {
            Some(header)
        }
        _ => None,
    }
}
