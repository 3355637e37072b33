//! A playlist and its items as this role knows them.

use segue_domain::{ItemId, PlaylistId, SongId, Timestamp, UserId, Visibility};
use serde::{Deserialize, Serialize};

/// Items in one playlist.
pub(crate) const MOST_ITEMS: u32 = 10_000;
/// Editors and viewers of one playlist.
pub(crate) const MOST_PEOPLE: usize = 100;
/// First songs that a playlist remembers, for its cover.
pub(crate) const LEAD: usize = 4;
/// Items in which they are looked for.
pub(crate) const LEAD_ITEMS: u64 = 16;

/// One playlist without its items; its row and its people, in words of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaylistRecord {
    pub id: PlaylistId,
    pub owner: UserId,
    /// Grows by one with every change; it is the etag and the sequence of the fact.
    pub version: u64,
    pub title: String,
    pub description: String,
    pub visibility: Visibility,
    pub refuse_duplicates: bool,
    pub item_count: u32,
    /// Milliseconds.
    pub duration_ms: u64,
    /// The first songs, each once, at most [`LEAD`]: one of them has the cover.
    pub lead: Vec<SongId>,
    /// How often order keys were given anew, so that a page token knows whether its own still count.
    pub respread: u64,
    /// Of the request that made it, so that a repeat is told from another.
    pub request_digest: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Set on a tombstone.
    pub deleted: Option<Timestamp>,
    /// Editors and viewers, those who joined first come first.
    pub people: Vec<Person>,
}

/// An editor or a viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub user: UserId,
    pub editor: bool,
    pub since: Timestamp,
}

/// One place in a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemRecord {
    pub id: ItemId,
    /// Its order key.
    pub position: Vec<u8>,
    pub song: SongId,
    pub added_by: UserId,
    pub added: Timestamp,
    /// Of the song, when it was last looked at; 0 when unknown.
    pub duration_ms: u64,
}

impl PlaylistRecord {
    pub(crate) fn etag(&self) -> String {
        self.version.to_string()
    }

    pub(crate) fn person(&self, user: UserId) -> Option<&Person> {
        self.people.iter().find(|person| person.user == user)
    }
}

/// Of the songs of the first items, those that may have the cover.
pub(crate) fn lead(songs: impl Iterator<Item = SongId>) -> Vec<SongId> {
    let mut lead = Vec::with_capacity(LEAD);
    for song in songs.take(LEAD_ITEMS as usize) {
        if lead.len() < LEAD && !lead.contains(&song) {
            lead.push(song);
        }
    }
    lead
}
