//! Changes of one account's library, one after the other.

use super::{get, id, tallies};
use crate::library::{fact, repository::Tally};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, Value};
use segue_domain::{Clock, LibraryId, SongId, Timestamp, UserId};
use segue_store::{Outbox, ShardKey, Store, StoreError, Transaction};
use std::{collections::BTreeMap, sync::Arc};

/// Makes the row or takes the next version; either way the account's other changes wait until this one has ended.
const OPEN: &str = "INSERT INTO libraries (user_id, library_id, version, forgotten_before, gone) \
     VALUES ($1, $2, 1, 0, FALSE) \
     ON CONFLICT (user_id) DO UPDATE SET version = libraries.version + 1 \
     RETURNING library_id, version, forgotten_before, gone";

/// The table `libraries`: one row per account, its lock and its version.
#[derive(Debug, Clone)]
pub(crate) struct Libraries {
    pub(super) store: Store,
    clock: Arc<dyn Clock>,
}

/// A change of one account's library. Dropped without a commit, it changes nothing.
pub(crate) struct Change {
    tx: Transaction,
    pub(super) user: UserId,
    pub(super) library: LibraryId,
    pub(super) version: i64,
    /// Hearings from before this moment are not taken: their history was deleted.
    pub(super) forgotten_before: Timestamp,
    pub(super) now: Timestamp,
    pub(super) tallies: BTreeMap<SongId, Tally>,
}

impl Libraries {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Begins a change; `None` when the account is gone.
    pub(super) async fn open(&self, user: UserId) -> Result<Option<Change>, StoreError> {
        let (change, gone) = self.open_any(user).await?;
        Ok((!gone).then_some(change))
    }

    /// Begins a change, also of an account that is gone, and says whether it is.
    pub(super) async fn open_any(&self, user: UserId) -> Result<(Change, bool), StoreError> {
        let tx = self.store.begin(user.into()).await?;
        let values: [Value; 2] = [user.uuid().into(), LibraryId::new().uuid().into()];
        let statement = Statement::from_sql_and_values(self.store.backend(), OPEN, values);
        let row = tx.connection().query_one_raw(statement).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("an upsert returned nothing"))?;
        let change = Change {
            tx,
            user,
            library: id(get(&row, "library_id")?, LibraryId::from_uuid)?,
            version: get(&row, "version")?,
            forgotten_before: Timestamp(get(&row, "forgotten_before")?),
            now: self.clock.now(),
            tallies: BTreeMap::new(),
        };
        Ok((change, get(&row, "gone")?))
    }

    /// For reads that must see what the account itself has just written: any connection of an embedded database does.
    pub(super) fn latest(&self, user: UserId) -> DatabaseConnection {
        let shard = ShardKey::from(user);
        match self.store.backend() {
            DbBackend::Postgres => self.store.primary(&shard),
            _ => self.store.reader(&shard),
        }
    }

    /// For a page of a list: the first shows what the account has just written, later ones may be a moment old.
    pub(super) fn for_page(&self, user: UserId, first: bool) -> DatabaseConnection {
        if first { self.latest(user) } else { self.store.reader(&user.into()) }
    }

    /// Takes no more changes of an account. Repeating it changes nothing.
    pub(crate) async fn close(&self, user: UserId) -> Result<(), StoreError> {
        let close = || async {
            let (change, gone) = self.open_any(user).await?;
            if gone {
                return change.rollback().await;
            }
            let sql = "UPDATE libraries SET gone = TRUE WHERE user_id = $1";
            change.execute(sql, [user.uuid().into()]).await?;
            change.commit().await
        };
        self.store.retry(close).await
    }

    /// Takes no hearings any more from before `moment`, and gives the library another id, so that nothing that was written
    /// under the old one leads to the account.
    pub(crate) async fn forget_before(&self, user: UserId, moment: Timestamp) -> Result<(), StoreError> {
        let write = || async {
            let (change, _) = self.open_any(user).await?;
            if change.forgotten_before >= moment {
                return change.rollback().await;
            }
            let sql = "UPDATE libraries SET forgotten_before = $2, library_id = $3 WHERE user_id = $1";
            let values = [user.uuid().into(), moment.millis().into(), LibraryId::new().uuid().into()];
            change.execute(sql, values).await?;
            change.commit().await
        };
        self.store.retry(write).await
    }
}

impl Change {
    pub(super) fn connection(&self) -> &DatabaseTransaction {
        self.tx.connection()
    }

    /// What the change adds to the counts of a song.
    pub(super) fn tally(&mut self, song: SongId) -> &mut Tally {
        self.tallies.entry(song).or_default()
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, StoreError> {
        let db = self.connection();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        Ok(db.execute_raw(statement).await?.rows_affected())
    }

    /// Makes it durable, with what it adds to the counts of songs and the fact that there is something to add.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if !self.tallies.is_empty() {
            tallies::insert(&self).await?;
            let event = fact::changed(self.user, self.library, self.version, self.now)?;
            self.tx.emit(Outbox::Main, event).await?;
        }
        self.tx.commit().await
    }

    /// Undoes it all.
    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        self.tx.rollback().await
    }
}
