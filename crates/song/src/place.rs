//! Puts songs on their shelves: the projection behind albums and artists.
//!
//! A shelf, a song's place and an owner's list are aggregates of their own, so each is written alone, and every step may be
//! the last before a crash. What makes it right in the end: the place names every shelf that a song may be on before the song
//! is put there; a shelf keeps the version of the song that it has heard of, of those taken off too; and a place says that it
//! is settled only after all of them have heard. So a repeat does what is left to do, and what is late changes nothing.

use crate::{
    Error,
    record::SongRecord,
    repository::{Entry as Listed, Place, Standing},
    role::Role,
    shelf::{self, Entry, Shelf},
};
use segue_domain::SongId;
use std::collections::{BTreeMap, BTreeSet};

/// Times that a place is tried against others before it is put off.
const ATTEMPTS: u32 = 20;

impl Role {
    /// Puts a song where its row says that it belongs, unless that was done for version `heard` or a newer one.
    pub(crate) async fn place(&self, id: SongId, heard: u64) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let before = self.places.find(id).await?;
            if before.revision > 0 && before.sequence >= heard.max(1) {
                return Ok(());
            }
            // The row and not the fact: it is as new or newer, and has all that facts of older programs lack.
            let Some(song) = self.songs.latest(id).await? else {
                tracing::warn!(song.id = %id, "event about an unknown song");
                return Ok(());
            };
            if self.place_as(&song, before).await? {
                return Ok(());
            }
        }
        Err(Error::Contended)
    }

    /// False when somebody else wrote the place in between.
    async fn place_as(&self, song: &SongRecord, before: Place) -> Result<bool, Error> {
        if before.revision > 0 && before.sequence >= song.version {
            return Ok(true);
        }
        let entries: BTreeMap<Shelf, Entry> = shelf::entries(song).into_iter().collect();
        let aims: BTreeSet<Shelf> = entries.keys().copied().collect();
        // Most facts are about songs that stand nowhere yet.
        if aims.is_empty() && before.shelves.is_empty() {
            return Ok(true);
        }
        let mut place = before;
        if !place.shelves.is_superset(&aims) {
            place.shelves.extend(&aims);
            place.revision += 1;
            if !self.places.put(song.id, &place).await? {
                return Ok(false);
            }
        }
        (self.crash)("song-place-widened");
        for shelf in &place.shelves {
            let entry = entries.get(shelf);
            let standing =
                Standing { shelf: *shelf, owner: song.owner, song: song.id, sequence: song.version, entry };
            let header = self.shelves.stand(standing).await?;
            (self.crash)("song-on-shelf");
            self.shelf_lists.apply(&header).await?;
        }
        let settled = Place { sequence: song.version, revision: place.revision + 1, shelves: aims };
        Ok(self.places.put(song.id, &settled).await?)
    }

    /// Brings a song of before into the tables that came after it.
    pub(crate) async fn fill_in(&self, id: SongId) -> Result<(), Error> {
        let Some(song) = self.songs.latest(id).await? else { return Ok(()) };
        self.list.apply(&Listed::of(&song)).await?;
        self.place(id, song.version).await
    }
}
