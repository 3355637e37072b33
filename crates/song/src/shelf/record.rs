//! The header of a shelf as this role keeps it, and what is said of it on the bus.

use super::{Shelf, View};
use segue_domain::{EventId, Timestamp, UserId, Visibility};
use segue_mesh::to_proto;
use segue_proto::event::v1::{AlbumChanged, ArtistChanged, Event, event::Data};
use serde::{Deserialize, Serialize};

/// A header; its row, in words of the domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShelfRecord {
    pub shelf: Shelf,
    pub owner: UserId,
    /// Grows by one with every write; what concurrent writers compare.
    pub revision: u64,
    /// Grows by one with every change that somebody can see; the sequence of the fact. 0 until anybody could.
    pub version: u64,
    /// The widest of its songs.
    pub visibility: Visibility,
    /// What the owner and admins see.
    pub for_owner: View,
    /// What everyone else sees: public songs.
    pub for_others: View,
    pub created: Timestamp,
}

impl ShelfRecord {
    /// No song is on it any more.
    pub(crate) fn gone(&self) -> bool {
        self.for_owner.songs == 0
    }

    /// What is told to the index, which shows it to all who may find the shelf: nothing of songs that are hidden from
    /// them.
    pub(crate) fn told(&self) -> &View {
        if self.visibility == Visibility::Public { &self.for_others } else { &self.for_owner }
    }

    /// The event that says that the shelf has become what it is.
    pub(crate) fn event(&self, now: Timestamp) -> Event {
        let (r#type, id, data) = match self.shelf {
            Shelf::Album(id) if self.gone() => {
                ("album.deleted.v1", id.to_string(), Data::AlbumDeleted(self.album()))
            }
            Shelf::Album(id) => ("album.updated.v1", id.to_string(), Data::AlbumUpdated(self.album())),
            Shelf::Artist(id) if self.gone() => {
                ("artist.deleted.v1", id.to_string(), Data::ArtistDeleted(self.artist()))
            }
            Shelf::Artist(id) => ("artist.updated.v1", id.to_string(), Data::ArtistUpdated(self.artist())),
        };
        Event {
            id: EventId::new().to_string(),
            r#type: r#type.to_owned(),
            subject: id.clone(),
            sequence: self.version,
            time: Some(to_proto(now)),
            shard_key: id,
            data: Some(data),
        }
    }

    fn album(&self) -> AlbumChanged {
        let view = self.told();
        AlbumChanged {
            album_id: self.shelf.uuid().to_string(),
            owner_id: self.owner.to_string(),
            visibility: self.visibility.to_string(),
            title: view.title.clone(),
            album_artist: view.artist.clone(),
            genre: view.genre.clone(),
            year: view.year,
            song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
            duration_ms: view.duration_ms,
            create_time: Some(to_proto(self.created)),
        }
    }

    fn artist(&self) -> ArtistChanged {
        let view = self.told();
        ArtistChanged {
            artist_id: self.shelf.uuid().to_string(),
            owner_id: self.owner.to_string(),
            visibility: self.visibility.to_string(),
            name: view.title.clone(),
            song_count: u32::try_from(view.songs).unwrap_or(u32::MAX),
            create_time: Some(to_proto(self.created)),
        }
    }
}
