//! Which server it is that a connection leads to.

use super::primary::within;
use crate::source::SourceError;
use sea_orm::sqlx::{self, PgConnection};

/// Tells a server from a copy of it, and from itself after a promotion: positions of the log can be compared only
/// where it is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Shared by a primary and its standbys, not by a copy that was dumped and restored.
    pub(crate) system: String,
    /// Grows with each promotion.
    pub(crate) timeline: i64,
}

/// Identity of a primary.
pub(crate) async fn identity(sql: &mut PgConnection) -> Result<Identity, SourceError> {
    // The name of a segment of the log begins with the timeline, in hexadecimal. (pg_control_checkpoint would tell
    // the timeline before a promotion for a while.)
    let query = "SELECT system_identifier::text, \
                 ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int::bigint \
                 FROM pg_control_system()";
    let (system, timeline) = within(sqlx::query_as(query).fetch_one(sql)).await?;
    Ok(Identity { system, timeline })
}
