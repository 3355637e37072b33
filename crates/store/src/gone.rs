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

    /// Who has what an account owned: itself, or when it is gone its heir, or that one's when it is gone too. `None` when
    /// all are, or the chain has no end.
    async fn heir_of(&self, owner: UserId) -> Result<Option<UserId>, StoreError> {
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

    /// The hands that what a gone account owned goes through, one after the other.
    pub fn succession(&self, gone: UserId) -> Succession<'_> {
        Succession { table: self, next: Some(gone) }
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

/// See [`GoneOwners::succession`]. It goes on as long as heirs go meanwhile: whoever saw to the end of such an heir may
/// have been too early for what it had only just got.
#[derive(Debug)]
pub struct Succession<'a> {
    table: &'a GoneOwners,
    next: Option<UserId>,
}

impl Succession<'_> {
    /// An account that is gone and who gets what it owns now; nobody does when all heirs are gone. `None` at the end.
    /// What is owned is to be handed over before the next call.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(&mut self) -> Result<Option<(UserId, Option<UserId>)>, StoreError> {
        let Some(owner) = self.next else { return Ok(None) };
        let heir = self.table.heir_of(owner).await?;
        if heir == Some(owner) {
            return Ok(None);
        }
        self.next = heir;
        Ok(Some((owner, heir)))
    }
}
