//! A key that signs access tokens.

use sea_orm::entity::prelude::*;
use std::fmt;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_signing_keys")]
pub struct Model {
    /// 1, 2, 3…: two processes that make a successor at once meet here, and one of them wins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// Ed25519 seed, 32 bytes.
    pub seed: Vec<u8>,
    pub created_at: i64,
    pub signs_from: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The seed never gets into a log.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("signing_key")
            .field("number", &self.number)
            .field("signs_from", &self.signs_from)
            .finish_non_exhaustive()
    }
}
