//! How often songs were heard and are liked, by everybody.

use super::{Pending, count, get, id};
use crate::library::entity::{
    song_likes,
    song_stats::{Column, Entity},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Set, Statement, Value, sea_query::OnConflict,
};
use segue_domain::{Clock, LibraryId, SongId, UserId};
use segue_store::{Store, StoreError};
use std::{collections::HashMap, sync::Arc};

/// Makes the row or locks it, and says whether the song is gone.
const OPEN: &str = "INSERT INTO song_stats (song_id, plays, skips, likes, version, dirty, gone) \
     VALUES ($1, 0, 0, 0, 1, FALSE, FALSE) \
     ON CONFLICT (song_id) DO UPDATE SET version = song_stats.version + 1 RETURNING gone";
const ADD: &str = "UPDATE song_stats SET plays = plays + $2, skips = skips + $3, likes = likes + $4, \
     dirty = TRUE WHERE song_id = $1";
const APPLIED: &str = "SELECT sequence FROM song_tallies WHERE song_id = $1 AND library_id = $2";
const REMEMBER: &str = "INSERT INTO song_tallies (song_id, library_id, sequence, applied_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (song_id, library_id) \
     DO UPDATE SET sequence = excluded.sequence, applied_at = excluded.applied_at";

/// The tables `song_stats`, `song_likes` and `song_tallies`.
#[derive(Debug, Clone)]
pub(crate) struct Stats {
    pub(super) store: Store,
    clock: Arc<dyn Clock>,
}

/// Counts of a song.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub plays: u64,
    pub skips: u64,
    pub likes: u64,
}

/// What became of tallies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// They are in the counts, now or since before.
    Counted,
    /// The song is gone, and nobody may like it any more.
    Gone,
}

impl Stats {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Adds tallies of one account, in order and without gaps since the last that was added, to the counts of a song. Those
    /// that were added before are skipped.
    pub(crate) async fn add(
        &self,
        song: SongId,
        user: UserId,
        tallies: &[Pending],
    ) -> Result<Applied, StoreError> {
        self.store.retry(|| self.add_once(song, user, tallies)).await
    }

    async fn add_once(&self, song: SongId, user: UserId, tallies: &[Pending]) -> Result<Applied, StoreError> {
        let tx = self.store.begin(song.into()).await?;
        let db = tx.connection();
        if open(db, song).await? {
            tx.rollback().await?;
            return Ok(Applied::Gone);
        }
        let (mut plays, mut skips, mut likes) = (0, 0, 0);
        let mut applied: HashMap<LibraryId, i64> = HashMap::new();
        let mut new = false;
        for Pending { library, sequence, tally, .. } in tallies {
            let last = match applied.get(library) {
                Some(last) => *last,
                None => last_applied(db, song, *library).await?,
            };
            applied.insert(*library, last.max(*sequence));
            if *sequence <= last {
                continue;
            }
            new = true;
            (plays, skips) = (plays + tally.plays, skips + tally.skips);
            likes += like(db, song, user, tally.likes).await?;
        }
        if !new {
            tx.rollback().await?;
            return Ok(Applied::Counted);
        }
        execute(db, ADD, [song.uuid().into(), plays.into(), skips.into(), likes.into()]).await?;
        let now = self.clock.now().millis();
        for (library, sequence) in applied {
            let values = [song.uuid().into(), library.uuid().into(), sequence.into(), now.into()];
            execute(db, REMEMBER, values).await?;
        }
        tx.commit().await?;
        Ok(Applied::Counted)
    }

    /// Counts of songs; songs that nobody has heard or likes are absent.
    pub(crate) async fn of(&self, songs: &[SongId]) -> Result<HashMap<SongId, Counts>, StoreError> {
        let mut found = HashMap::new();
        for part in self.store.together(songs) {
            let query = Entity::find()
                .filter(Column::SongId.is_in(part.iter().map(|song| song.uuid())))
                .filter(Column::Gone.eq(false));
            let ask = || async {
                let Some(first) = part.first() else { return Ok(Vec::new()) };
                Ok(query.clone().all(&self.store.reader(&(*first).into())).await?)
            };
            for row in self.store.read(ask).await? {
                let counts =
                    Counts { plays: count(row.plays)?, skips: count(row.skips)?, likes: count(row.likes)? };
                found.insert(id(row.song_id, SongId::from_uuid)?, counts);
            }
        }
        Ok(found)
    }

    /// The song is gone: nothing is counted any more. Repeating it changes nothing.
    pub(crate) async fn end(&self, song: SongId) -> Result<(), StoreError> {
        let end = || async {
            let tx = self.store.begin(song.into()).await?;
            open(tx.connection(), song).await?;
            let sql = "UPDATE song_stats SET plays = 0, skips = 0, likes = 0, dirty = FALSE, gone = TRUE \
                       WHERE song_id = $1";
            execute(tx.connection(), sql, [song.uuid().into()]).await?;
            tx.commit().await
        };
        self.store.retry(end).await
    }

    /// Some of those who like a song.
    pub(crate) async fn likers(&self, song: SongId, most: u32) -> Result<Vec<UserId>, StoreError> {
        let query = song_likes::Entity::find()
            .filter(song_likes::Column::SongId.eq(song.uuid()))
            .order_by_asc(song_likes::Column::UserId)
            .limit(u64::from(most));
        let ask = || async { Ok(query.clone().all(&self.store.primary(&song.into())).await?) };
        let rows = self.store.read(ask).await?;
        rows.into_iter().map(|row| id(row.user_id, UserId::from_uuid)).collect()
    }

    /// These accounts like the song no longer. It is gone, so nothing is counted.
    pub(crate) async fn forget_likers(&self, song: SongId, users: &[UserId]) -> Result<(), StoreError> {
        let forget = || async {
            song_likes::Entity::delete_many()
                .filter(song_likes::Column::SongId.eq(song.uuid()))
                .filter(song_likes::Column::UserId.is_in(users.iter().map(|user| user.uuid())))
                .exec(&self.store.primary(&song.into()))
                .await?;
            Ok(())
        };
        self.store.retry(forget).await
    }
}

/// Locks the counts of a song and says whether it is gone.
async fn open(db: &DatabaseTransaction, song: SongId) -> Result<bool, StoreError> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), OPEN, [song.uuid().into()]);
    let row = db.query_one_raw(statement).await?;
    get(&row.ok_or_else(|| StoreError::corrupt("an upsert returned nothing"))?, "gone")
}

/// Sequence of the last tally of a library that was added to a song; 0 when there is none.
async fn last_applied(db: &DatabaseTransaction, song: SongId, library: LibraryId) -> Result<i64, StoreError> {
    let values = [song.uuid().into(), library.uuid().into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), APPLIED, values);
    let row = db.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| get(&row, "sequence"))
}

/// Writes down whether an account likes a song, and says by how much the likes grow.
async fn like(db: &DatabaseTransaction, song: SongId, user: UserId, change: i64) -> Result<i64, StoreError> {
    let key = (song.uuid(), user.uuid());
    match change {
        1 => {
            let row = song_likes::ActiveModel { song_id: Set(key.0), user_id: Set(key.1) };
            let columns = [song_likes::Column::SongId, song_likes::Column::UserId];
            let known = OnConflict::columns(columns).do_nothing().to_owned();
            let insert = song_likes::Entity::insert(row).on_conflict(known);
            let added = insert.exec_without_returning(db).await?;
            i64::try_from(added).map_err(StoreError::corrupt)
        }
        -1 => {
            let removed = song_likes::Entity::delete_by_id(key).exec(db).await?.rows_affected;
            Ok(-i64::try_from(removed).map_err(StoreError::corrupt)?)
        }
        _ => Ok(0),
    }
}

async fn execute(
    db: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), StoreError> {
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}
