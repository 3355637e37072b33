//! How far the filling of new tables from songs of before has come: one row, for all processes.

use sea_orm::{ConnectionTrait, Statement, Value, prelude::Uuid};
use segue_domain::SongId;
use segue_store::{ShardKey, Store, StoreError};

/// Names the row. An id, so that it has a shard as everything has.
const ROW: Uuid = Uuid::from_u128(0x018b_cfe5_6800_7000_8000_0000_0000_0002);

/// The table `song_fillings`.
#[derive(Debug, Clone)]
pub(crate) struct Fillings {
    store: Store,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filling {
    /// The last song that was seen to; nil before the first.
    pub reached: Uuid,
    pub done: bool,
}

impl Fillings {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(crate) async fn find(&self) -> Result<Filling, StoreError> {
        let sql = "SELECT reached, done FROM song_fillings WHERE id = $1";
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, [ROW.into()]);
        let shard = shard()?;
        let ask = || async { Ok(self.store.primary(&shard).query_one_raw(statement.clone()).await?) };
        match self.store.read(ask).await? {
            None => Ok(Filling { reached: Uuid::nil(), done: false }),
            Some(row) => Ok(Filling { reached: row.try_get("", "reached")?, done: row.try_get("", "done")? }),
        }
    }

    /// Writes that it has come so far, unless another process has come further.
    pub(crate) async fn put(&self, filling: Filling) -> Result<(), StoreError> {
        let sql = "INSERT INTO song_fillings (id, reached, done) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE \
                   SET reached = excluded.reached, done = excluded.done \
                   WHERE NOT song_fillings.done AND song_fillings.reached <= excluded.reached";
        let values: [Value; 3] = [ROW.into(), filling.reached.into(), filling.done.into()];
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let shard = shard()?;
        let write = || async {
            self.store.primary(&shard).execute_raw(statement.clone()).await?;
            Ok(())
        };
        self.store.retry(write).await
    }
}

fn shard() -> Result<ShardKey, StoreError> {
    SongId::from_uuid(ROW).map(ShardKey::from).map_err(StoreError::corrupt)
}
