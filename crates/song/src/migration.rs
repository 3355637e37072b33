//! The schema of this role.

mod m0001_create_songs;
mod m0002_create_albums;

use sea_orm::{DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_create_songs::Migration), Box::new(m0002_create_albums::Migration)]
    }
    fn migration_table_name() -> DynIden {
        "song_migrations".into_iden()
    }
}
