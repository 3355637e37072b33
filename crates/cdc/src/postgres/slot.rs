//! The replication slot.

use super::{primary::within, published};
use crate::{CdcConfig, source::SourceError};
use pgwire_replication::PgWireError;
use sea_orm::sqlx::{self, PgConnection};
use std::time::Duration;
use tokio::time::timeout;

/// Making a slot waits for every transaction that runs.
const CREATE: Duration = Duration::from_secs(60);

/// What the server says about a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// A process reads it.
    pub(crate) active: bool,
    /// The server threw away log that it needs.
    lost: bool,
    /// Made for this database and the decoder that is spoken here.
    ours: bool,
}

pub(crate) async fn find(sql: &mut PgConnection, name: &str) -> Result<Option<Slot>, SourceError> {
    let query = "SELECT active, coalesce(wal_status = 'lost', false), coalesce(plugin, '') = 'pgoutput' AND \
                 database = current_database() FROM pg_replication_slots WHERE slot_name = $1";
    let row: Option<(bool, bool, bool)> =
        within(sqlx::query_as(query).bind(name).fetch_optional(sql)).await?;
    Ok(row.map(|(active, lost, ours)| Slot { active, lost, ours }))
}

/// Sees to it that the slot is there and can be read. One that is not, or is of no more use, is made anew, after
/// it was written down that facts may have been skipped.
///
/// # Errors
/// [`SourceError::Setup`] when the slot is another's, or is missing and made elsewhere.
pub(crate) async fn ensure(
    sql: &mut PgConnection,
    config: &CdcConfig,
    system: &str,
) -> Result<(), SourceError> {
    let name = &config.slot;
    match find(sql, name).await? {
        Some(Slot { ours: false, .. }) => {
            return Err(SourceError::Setup(format!(
                "replication slot {name} was made for another database or decoder: set cdc.slot"
            )));
        }
        Some(Slot { lost: false, .. }) => return Ok(()),
        Some(Slot { lost: true, .. }) => give_up(sql, name, system).await?,
        None => published::suspect(sql, name, system).await?,
    }
    if !config.manage_slot {
        return Err(SourceError::Setup(format!(
            "replication slot {name} is not there, and cdc.manage_slot is off: declare it in Patroni's slots"
        )));
    }
    let made = sqlx::query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')").bind(name);
    match timeout(CREATE, made.execute(sql)).await.map_err(|_| SourceError::Silent)? {
        Ok(_) => {
            tracing::info!(slot = name, "replication slot was made");
            Ok(())
        }
        // Someone else was faster: Patroni, or a person.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42710") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Drops a slot whose log is gone, after it was written down that facts may have been skipped.
pub(crate) async fn give_up(sql: &mut PgConnection, name: &str, system: &str) -> Result<(), SourceError> {
    tracing::warn!(slot = name, "replication slot lost its log and is made anew");
    published::suspect(sql, name, system).await?;
    discard(sql, name).await
}

/// Drops the slot when it is there and ours.
pub(crate) async fn discard(sql: &mut PgConnection, name: &str) -> Result<(), SourceError> {
    let query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 \
                 AND plugin = 'pgoutput' AND database = current_database()";
    within(sqlx::query(query).bind(name).execute(sql)).await?;
    Ok(())
}

/// "requested WAL segment … has already been removed" (undefined_file).
pub(crate) fn has_no_log(error: &PgWireError) -> bool {
    matches!(error, PgWireError::Server(message) if message.contains("SQLSTATE 58P01"))
}
