//! The outbox: facts that were committed with a change and are not yet known to be published.

use crate::StoreError;
use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use segue_proto::event::v1::Event;
use std::collections::HashMap;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Which table a role writes its facts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbox {
    /// Everything that is sharded by song or playlist.
    Main,
    /// Identity's, which is not sharded.
    Identity,
}

impl Outbox {
    /// Both tables.
    pub const ALL: [Self; 2] = [Self::Main, Self::Identity];

    /// Name of the table.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Main => "outbox",
            Self::Identity => "identity_outbox",
        }
    }
}

pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    table: Outbox,
    event: &Event,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO {} (shard_key, subject, sequence, event_id, type, payload, traceparent, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        table.table()
    );
    let time = event.time.as_ref().map_or(0, |t| t.seconds * 1000 + i64::from(t.nanos) / 1_000_000);
    let values = [
        event.shard_key.clone().into(),
        event.subject.clone().into(),
        i64::try_from(event.sequence).map_err(StoreError::corrupt)?.into(),
        event.id.clone().into(),
        event.r#type.clone().into(),
        event.encode_to_vec().into(),
        traceparent().into(),
        time.into(),
    ];
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// The W3C trace context of the current span travels with the fact, when traces are on.
fn traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let mut carrier = HashMap::new();
    opentelemetry::global::get_text_map_propagator(|p| p.inject_context(&context, &mut carrier));
    carrier.remove("traceparent")
}
