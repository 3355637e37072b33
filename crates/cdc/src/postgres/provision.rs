//! Publication and slot, and whether the stream may be read at all.

use super::{
    identity::{Identity, identity},
    primary::{primary, within},
    published, slot,
};
use crate::{CdcConfig, Source, database::Database, endpoint::Endpoint, source::SourceError};
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};
use segue_store::Outbox;

/// Makes what a source needs in a database. Idempotent.
pub(crate) async fn provision(database: &Database, config: &CdcConfig) -> Result<(), SourceError> {
    let servers = database.servers().await?;
    let (server, mut sql) = primary(&servers, config.silence()).await?;
    if !replicates(&mut sql, server, config).await? {
        return Ok(());
    }
    match prepare(&mut sql, config).await {
        // Patroni makes the slot once it is declared there; that is no fault of this step.
        Err(SourceError::Setup(reason)) if !config.manage_slot => {
            tracing::warn!(database = database.name(), reason, "replication slot is made elsewhere");
            Ok(())
        }
        prepared => prepared.map(drop),
    }
}

/// Sees to it that publication and slot are there; returns which server it is. What is made here may
/// have been away while facts were written, and is treated so.
pub(crate) async fn prepare(sql: &mut PgConnection, config: &CdcConfig) -> Result<Identity, SourceError> {
    let server = identity(sql).await?;
    let changed = publication(sql, &config.publication).await?;
    if changed != Changed::Nothing {
        published::suspect(sql, &config.slot, &server.system).await?;
    }
    if changed == Changed::Made {
        // An older slot begins at a place in the log where the publication did not exist: it cannot be decoded.
        slot::discard(sql, &config.slot).await?;
    }
    slot::ensure(sql, config, &server.system).await?;
    Ok(server)
}

/// Whether facts are read from the replication stream, by configuration and by what the server allows.
///
/// # Errors
/// [`SourceError::Setup`] when replication is asked for and not possible.
pub(crate) async fn replicates(
    sql: &mut PgConnection,
    server: &Endpoint,
    config: &CdcConfig,
) -> Result<bool, SourceError> {
    if config.source == Source::Polling {
        return Ok(false);
    }
    let query = "SELECT current_setting('wal_level'), rolreplication OR rolsuper FROM pg_roles \
                 WHERE rolname = current_user";
    let (level, allowed): (String, bool) = within(sqlx::query_as(query).fetch_one(sql)).await?;
    let missing = if level != "logical" {
        format!("the server has wal_level = {level}, and logical is needed")
    } else if !allowed {
        "the role lacks REPLICATION".to_owned()
    } else if server.insists_on_tls() {
        "the URL insists on TLS, which the replication stream does not speak".to_owned()
    } else {
        return Ok(true);
    };
    match config.source {
        Source::Replication => Err(SourceError::Setup(format!(
            "logical replication is not possible: {missing}; mend that, or set cdc.source = \"polling\""
        ))),
        _ => {
            tracing::info!(reason = missing, "logical replication is not possible, the outbox is polled");
            Ok(false)
        }
    }
}

/// What was done to the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    Nothing,
    Extended,
    Made,
}

/// Makes the publication of the outbox tables when it is not there, and adds tables that it lacks. Needs no right
/// to do so when it is whole.
async fn publication(sql: &mut PgConnection, name: &str) -> Result<Changed, SourceError> {
    let query = "SELECT pubinsert FROM pg_publication WHERE pubname = $1";
    let inserts: Option<bool> =
        within(sqlx::query_scalar(query).bind(name).fetch_optional(&mut *sql)).await?;
    let tables = Outbox::ALL.map(Outbox::table);
    // The name was checked to need no quotes, and the tables are ours.
    match inserts {
        None => {
            let list = tables.join(", ");
            run(sql, format!("CREATE PUBLICATION {name} FOR TABLE {list} WITH (publish = 'insert')")).await?;
            Ok(Changed::Made)
        }
        Some(false) => Err(SourceError::Setup(format!("publication {name} does not publish inserts"))),
        Some(true) => {
            let query = "SELECT tablename::text FROM pg_publication_tables WHERE pubname = $1";
            let has: Vec<String> = within(sqlx::query_scalar(query).bind(name).fetch_all(&mut *sql)).await?;
            let mut changed = Changed::Nothing;
            for table in tables.into_iter().filter(|table| !has.iter().any(|t| t == table)) {
                run(sql, format!("ALTER PUBLICATION {name} ADD TABLE {table}")).await?;
                changed = Changed::Extended;
            }
            Ok(changed)
        }
    }
}

/// Runs a definition; that another process was faster is as good. (Two that begin together meet in the catalog's
/// unique index.)
async fn run(sql: &mut PgConnection, definition: String) -> Result<(), SourceError> {
    match within(sqlx::query(AssertSqlSafe(definition)).execute(sql)).await {
        Err(SourceError::Sql(sqlx::Error::Database(error)))
            if matches!(error.code().as_deref(), Some("42710" | "23505")) =>
        {
            Ok(())
        }
        ended => ended.map(drop),
    }
}
