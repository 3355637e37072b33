//! The schema of this role.

mod m0001_create_playlists;
mod m0002_create_gone_owners;

use crate::library;
use sea_orm::{DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all: Vec<Box<dyn MigrationTrait>> = vec![Box::new(m0001_create_playlists::Migration)];
        all.extend(library::migrations());
        all.push(Box::new(m0002_create_gone_owners::Migration));
        all
    }
    fn migration_table_name() -> DynIden {
        "playlist_migrations".into_iden()
    }
}
