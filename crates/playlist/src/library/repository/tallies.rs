//! What waits to be added to the counts of songs.

use super::{Libraries, change::Change, id};
use crate::library::entity::tallies::{ActiveModel, Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use segue_domain::{LibraryId, SongId, UserId};
use segue_store::StoreError;

/// What a change of a library adds to the counts of a song.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub plays: i64,
    pub skips: i64,
    /// 1 for a like, -1 for the end of one.
    pub likes: i64,
}

/// A tally that may not have been added yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub song: SongId,
    /// The id that the library had.
    pub library: LibraryId,
    /// Version of the library after the change.
    pub sequence: i64,
    pub tally: Tally,
}

/// Writes what a change adds beside it.
pub(super) async fn insert(change: &Change) -> Result<(), StoreError> {
    let rows = change.tallies.iter().map(|(song, tally)| ActiveModel {
        user_id: Set(change.user.uuid()),
        sequence: Set(change.version),
        song_id: Set(song.uuid()),
        library_id: Set(change.library.uuid()),
        plays: Set(tally.plays),
        skips: Set(tally.skips),
        likes: Set(tally.likes),
        made_at: Set(change.now.millis()),
    });
    Entity::insert_many(rows).exec_without_returning(change.connection()).await?;
    Ok(())
}

impl Libraries {
    /// The oldest tallies of an account in order, at most `most`, of which changes are whole; the second is true when there may
    /// be more. `most` is above what one change writes.
    pub(crate) async fn pending(&self, user: UserId, most: u32) -> Result<(Vec<Pending>, bool), StoreError> {
        let query = Entity::find()
            .filter(Column::UserId.eq(user.uuid()))
            .order_by_asc(Column::Sequence)
            .order_by_asc(Column::SongId)
            .limit(u64::from(most));
        // A replica may lack a change before one that it has: they must be added in order.
        let ask = || async { Ok(query.clone().all(&self.latest(user)).await?) };
        let mut rows: Vec<Model> = self.store.read(ask).await?;
        let more = rows.len() >= most as usize;
        if let Some(cut) = rows.last().map(|row| row.sequence).filter(|_| more) {
            rows.retain(|row| row.sequence < cut);
        }
        Ok((rows.into_iter().map(read).collect::<Result<_, _>>()?, more))
    }

    /// The tallies of an account up to `sequence` were added.
    pub(crate) async fn settle(&self, user: UserId, sequence: i64) -> Result<(), StoreError> {
        let delete = || async {
            Entity::delete_many()
                .filter(Column::UserId.eq(user.uuid()))
                .filter(Column::Sequence.lte(sequence))
                .exec(&self.store.primary(&user.into()))
                .await?;
            Ok(())
        };
        self.store.retry(delete).await
    }
}

fn read(row: Model) -> Result<Pending, StoreError> {
    Ok(Pending {
        song: id(row.song_id, SongId::from_uuid)?,
        library: id(row.library_id, LibraryId::from_uuid)?,
        sequence: row.sequence,
        tally: Tally { plays: row.plays, skips: row.skips, likes: row.likes },
    })
}
