//! Publication and slot, and whether the stream may be read at all.

use super::{
    identity::{Identity, identity},
    primary::{primary, within},
    published, slot,
};
use crate::{CdcConfig, Source, database::Database, endpoint::Endpoint, source::SourceError};
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};
use segue_store::Outbox;
use std::time::Duration;
use tokio::time::timeout;

/// Names the lock of who provisions: "seguepub" in bytes.
const TURN: i64 = i64::from_be_bytes(*b"seguepub");
/// How long to wait for a turn: another may be waiting for its slot.
const TURN_LIMIT: Duration = Duration::from_secs(90);

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
    // Several that begin together take turns; one that fails gives up its turn with its connection.
    let turn = sqlx::query("SELECT pg_advisory_lock($1)").bind(TURN).execute(&mut *sql);
    timeout(TURN_LIMIT, turn).await.map_err(|_| SourceError::Silent)??;
    // The names were checked to need no quotes, and the tables are ours.
    let publication = &config.publication;
    match lacking(sql, publication).await? {
        Some(tables) if tables.is_empty() => {}
        Some(tables) => {
            published::suspect(sql, &config.slot, &server.system).await?;
            define(sql, format!("ALTER PUBLICATION {publication} ADD TABLE {}", tables.join(", "))).await?;
        }
        None => {
            published::suspect(sql, &config.slot, &server.system).await?;
            // A slot that is older than the publication cannot be decoded. It goes before, lest a crash leaves it
            // beside a publication that looks whole, and after, because Patroni may have made it meanwhile.
            slot::discard(sql, &config.slot).await?;
            let tables = Outbox::ALL.map(Outbox::table).join(", ");
            let make =
                format!("CREATE PUBLICATION {publication} FOR TABLE {tables} WITH (publish = 'insert')");
            define(sql, make).await?;
            slot::discard(sql, &config.slot).await?;
        }
    }
    slot::ensure(sql, config, &server.system).await?;
    within(sqlx::query("SELECT pg_advisory_unlock($1)").bind(TURN).execute(sql)).await?;
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

/// The outbox tables that a publication lacks; `None` when there is no publication.
async fn lacking(sql: &mut PgConnection, name: &str) -> Result<Option<Vec<&'static str>>, SourceError> {
    let query = "SELECT pubinsert FROM pg_publication WHERE pubname = $1";
    let inserts: Option<bool> =
        within(sqlx::query_scalar(query).bind(name).fetch_optional(&mut *sql)).await?;
    match inserts {
        None => Ok(None),
        Some(false) => Err(SourceError::Setup(format!("publication {name} does not publish inserts"))),
        Some(true) => {
            let query = "SELECT tablename::text FROM pg_publication_tables WHERE pubname = $1";
            let has: Vec<String> = within(sqlx::query_scalar(query).bind(name).fetch_all(sql)).await?;
            let tables = Outbox::ALL.map(Outbox::table).into_iter();
            Ok(Some(tables.filter(|table| !has.iter().any(|t| t == table)).collect()))
        }
    }
}

async fn define(sql: &mut PgConnection, definition: String) -> Result<(), SourceError> {
    within(sqlx::query(AssertSqlSafe(definition)).execute(sql)).await.map(drop)
}
