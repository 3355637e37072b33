//! Accounts that are gone, so that nobody hands playlists to one of them: the table `playlist_gone_owners`.

use sea_orm::{ConnectionTrait, Statement, Value, prelude::Uuid};
use segue_domain::UserId;
use segue_store::{Store, StoreError};

/// The table `playlist_gone_owners`.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    store: Store,
}

impl Gone {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Writes down that an account is gone, and who gets what it owned. What was written first stays.
    pub(crate) async fn put(&self, owner: UserId, heir: Option<UserId>) -> Result<(), StoreError> {
        let sql = "INSERT INTO playlist_gone_owners (owner_id, heir_id) VALUES ($1, $2) ON CONFLICT (owner_id) DO NOTHING";
        let values: [Value; 2] = [owner.uuid().into(), heir.map(UserId::uuid).into()];
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let write = || async {
            self.store.primary(&owner.into()).execute_raw(statement.clone()).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// `None` when the account is not gone; else its heir, if it has one.
    pub(crate) async fn find(&self, owner: UserId) -> Result<Option<Option<UserId>>, StoreError> {
        let sql = "SELECT heir_id FROM playlist_gone_owners WHERE owner_id = $1";
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, [owner.uuid().into()]);
        let ask = || async { Ok(self.store.primary(&owner.into()).query_one_raw(statement.clone()).await?) };
        let Some(row) = self.store.read(ask).await? else { return Ok(None) };
        let heir: Option<Uuid> = row.try_get("", "heir_id")?;
        heir.map(UserId::from_uuid).transpose().map(Some).map_err(StoreError::corrupt)
    }
}
