//! The schema of the library, a part of the role's.

mod m0001_create_library;

use sea_orm_migration::MigrationTrait;

/// In order.
pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_create_library::Migration)]
}
