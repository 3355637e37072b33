//! What is asked of every shard: tallies that were left behind, and notes that have served.

use super::{Libraries, Stats, get, id};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value, prelude::Uuid};
use segue_domain::{SongId, Timestamp, UserId};
use segue_store::{Store, StoreError};

const OVERDUE: &str = "SELECT DISTINCT user_id FROM tallies WHERE made_at < $1 LIMIT $2";
const OLDEST: &str = "SELECT made_at FROM tallies ORDER BY made_at LIMIT 1";
const SERVED: &str = "SELECT song_id FROM song_tallies WHERE applied_at < $1 ORDER BY applied_at LIMIT $2";

/// Asks every shard.
async fn everywhere<T>(
    store: &Store,
    sql: &str,
    values: &[Value],
    read: impl Fn(&QueryResult) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let ask = || async {
        let mut found = Vec::new();
        for primary in store.primaries() {
            let statement = Statement::from_sql_and_values(store.backend(), sql, values.to_vec());
            for row in primary.query_all_raw(statement).await? {
                found.push(read(&row)?);
            }
        }
        Ok(found)
    };
    store.read(ask).await
}

impl Libraries {
    /// Accounts with tallies from before `moment`, at most `most` per shard.
    pub(crate) async fn overdue(&self, moment: Timestamp, most: u32) -> Result<Vec<UserId>, StoreError> {
        let values = [moment.millis().into(), i64::from(most).into()];
        let read = |row: &QueryResult| id(get::<Uuid>(row, "user_id")?, UserId::from_uuid);
        everywhere(&self.store, OVERDUE, &values, read).await
    }

    /// When the oldest tally that waits was made.
    pub(crate) async fn oldest_tally(&self) -> Result<Option<Timestamp>, StoreError> {
        let times = everywhere(&self.store, OLDEST, &[], |row| Ok(Timestamp(get(row, "made_at")?)));
        Ok(times.await?.into_iter().min())
    }
}

impl Stats {
    /// Forgets which tallies were added before `moment`, at most about `most` per shard; says whether there may be more. None of
    /// the tallies may wait any more.
    pub(crate) async fn forget_applied(&self, moment: Timestamp, most: u32) -> Result<bool, StoreError> {
        let values = [moment.millis().into(), i64::from(most).into()];
        let read = |row: &QueryResult| id(get::<Uuid>(row, "song_id")?, SongId::from_uuid);
        let mut songs: Vec<SongId> = everywhere(&self.store, SERVED, &values, read).await?;
        let more = songs.len() >= most as usize;
        songs.sort_unstable();
        songs.dedup();
        for song in songs {
            let delete = || async {
                let db = self.store.primary(&song.into());
                let sql = "DELETE FROM song_tallies WHERE song_id = $1 AND applied_at < $2";
                let values = [song.uuid().into(), moment.millis().into()];
                db.execute_raw(Statement::from_sql_and_values(self.store.backend(), sql, values)).await?;
                Ok(())
            };
            self.store.retry(delete).await?;
        }
        Ok(more)
    }
}
