//! Accounts that are gone and who got what they owned, so that nobody hands anything to one of them: a role's table with
//! the columns `owner_id` (the key) and `heir_id`.

use crate::{Store, StoreError};
use sea_orm::{ConnectionTrait, Statement, Value, prelude::Uuid};
use segue_domain::UserId;

/// Heirs of heirs that are followed.
const MOST_HEIRS: usize = 16;

/// Such a table.
#[derive(Debug, Clone)]
pub struct GoneOwners {
    store: Store,
    table: &'static str,
}

impl GoneOwners {
    /// The one of this name.
    pub fn new(store: Store, table: &'static str) -> Self {
        Self { store, table }
    }

    /// Writes down that an account is gone, and who gets what it owned. What was written first stays. Repeating it
    /// changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put(&self, owner: UserId, heir: Option<UserId>) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO {} (owner_id, heir_id) VALUES ($1, $2) ON CONFLICT (owner_id) DO NOTHING",
            self.table
        );
        let values: [Value; 2] = [owner.uuid().into(), heir.map(UserId::uuid).into()];
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let write = || async {
            self.store.primary(&owner.into()).execute_raw(statement.clone()).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// Whether the account is gone.
    pub async fn has(&self, owner: UserId) -> Result<bool, StoreError> {
        Ok(self.find(owner).await?.is_some())
    }

    /// Who has what an account owned: itself, or when it is gone its heir, or that one's when it is gone too. `None` when
    /// all are, or the chain has no end.
    pub async fn heir_of(&self, owner: UserId) -> Result<Option<UserId>, StoreError> {
        let mut at = owner;
        for _ in 0..MOST_HEIRS {
            match self.find(at).await? {
                None => return Ok(Some(at)),
                Some(None) => return Ok(None),
                Some(Some(heir)) => at = heir,
            }
        }
        Ok(None)
    }

    /// `None` when the account is not gone; else its heir, if it has one.
    async fn find(&self, owner: UserId) -> Result<Option<Option<UserId>>, StoreError> {
        let sql = format!("SELECT heir_id FROM {} WHERE owner_id = $1", self.table);
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, [owner.uuid().into()]);
        let ask = || async { Ok(self.store.primary(&owner.into()).query_one_raw(statement.clone()).await?) };
        let Some(row) = self.store.read(ask).await? else { return Ok(None) };
        let heir: Option<Uuid> = row.try_get("", "heir_id")?;
        heir.map(UserId::from_uuid).transpose().map(Some).map_err(StoreError::corrupt)
    }
}
