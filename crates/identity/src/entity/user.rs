//! An account.

use sea_orm::entity::prelude::*;
use std::fmt;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Lower case, unique. `None` once the account is deleted, so that the address is free again.
    pub email: Option<String>,
    pub display_name: String,
    /// PHC string of argon2id; empty once deleted.
    pub password_hash: String,
    pub admin: bool,
    /// Grows with each change; the etag, and the sequence of the account's facts.
    pub version: i64,
    pub created_at: i64,
    /// A deleted account leaves its id behind, so that a late repeat of its sign-up cannot bring it back.
    pub deleted_at: Option<i64>,
    /// Set while an administrator lets nobody sign in to it.
    pub disabled_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Neither address nor hash gets into a log.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("user")
            .field("user_id", &self.user_id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
