//! Where each song stands: the table `song_places`, which remembers the shelves that a song has to be taken off.

use crate::shelf::Shelf;
use sea_orm::{ConnectionTrait, Statement, Value};
use segue_domain::SongId;
use segue_store::{Store, StoreError};
use std::collections::BTreeSet;

/// The table `song_places`.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    store: Store,
}

/// What is known of one song.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The version of the song that all its shelves have heard of.
    pub sequence: u64,
    /// Grows with every write of the row; 0 when there is none.
    pub revision: u64,
    /// Every shelf that the song is on is among them. It may be on some of them no more, or not yet.
    pub shelves: BTreeSet<Shelf>,
}

impl Places {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The place of a song; an empty one when it never stood anywhere.
    pub(crate) async fn find(&self, song: SongId) -> Result<Place, StoreError> {
        let sql = "SELECT sequence, revision, shelves FROM song_places WHERE song_id = $1";
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, [song.uuid().into()]);
        let ask = || async { Ok(self.store.primary(&song.into()).query_one_raw(statement.clone()).await?) };
        let Some(row) = self.store.read(ask).await? else { return Ok(Place::default()) };
        let number = |column: &str| -> Result<u64, StoreError> {
            row.try_get::<i64>("", column)?.try_into().map_err(StoreError::corrupt)
        };
        let shelves: String = row.try_get("", "shelves")?;
        Ok(Place {
            sequence: number("sequence")?,
            revision: number("revision")?,
            shelves: serde_json::from_str(&shelves).map_err(StoreError::corrupt)?,
        })
    }

    /// Writes `place` over the one that was read with the revision before it. False when somebody else was faster; then
    /// nothing is changed. Repeating what was written is not faster: the answer to a commit may have been lost.
    pub(crate) async fn put(&self, song: SongId, place: &Place) -> Result<bool, StoreError> {
        let number = |n: u64| i64::try_from(n).map_err(StoreError::corrupt);
        let shelves = serde_json::to_string(&place.shelves).map_err(StoreError::corrupt)?;
        let values: Vec<Value> = vec![
            song.uuid().into(),
            number(place.sequence)?.into(),
            number(place.revision)?.into(),
            shelves.into(),
        ];
        let sql = match place.revision {
            1 => {
                "INSERT INTO song_places (song_id, sequence, revision, shelves) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (song_id) DO NOTHING"
            }
            _ => {
                "UPDATE song_places SET sequence = $2, revision = $3, shelves = $4 \
                 WHERE song_id = $1 AND revision = $3 - 1"
            }
        };
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let write = || async {
            Ok(self.store.primary(&song.into()).execute_raw(statement.clone()).await?.rows_affected())
        };
        Ok(self.store.retry(write).await? > 0 || self.find(song).await? == *place)
    }
}
