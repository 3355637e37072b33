//! The server that takes writes, and statements on it.

use crate::{endpoint::Endpoint, source::SourceError};
use futures::future::select_ok;
use sea_orm::sqlx::{self, ConnectOptions, PgConnection};
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// How long connecting to one server may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one statement may take: longer than any of ours, so that only a dead connection reaches it.
const STATEMENT: Duration = Duration::from_secs(15);

/// Asks all servers at once and returns the first that takes writes. A session of a process that was cut off is
/// ended by the server after about `silence`, and with it the locks that it holds.
pub(crate) async fn primary(
    servers: &[Endpoint],
    silence: Duration,
) -> Result<(&Endpoint, PgConnection), SourceError> {
    let tries = servers.iter().map(|server| {
        Box::pin(async move {
            let tried = async {
                let mut sql = connect(server, silence).await?;
                let standby: bool =
                    sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut sql).await?;
                Ok::<_, sqlx::Error>((sql, standby))
            };
            match timeout(CONNECT, tried).await {
                Ok(Ok((sql, false))) => Ok((server, sql)),
                Ok(Ok((_, true))) => Err(SourceError::NoPrimary(format!("{server:?} is a standby"))),
                Ok(Err(error)) => Err(SourceError::NoPrimary(format!("{server:?}: {error}"))),
                Err(_) => Err(SourceError::NoPrimary(format!("{server:?} does not answer"))),
            }
        })
    });
    Ok(select_ok(tries).await?.0)
}

/// One more connection to a server.
pub(crate) async fn connect(server: &Endpoint, silence: Duration) -> Result<PgConnection, sqlx::Error> {
    // Three probes, the last of them a little before the session counts as dead.
    let step = (silence.as_secs() / 4).max(1).to_string();
    let keepalive = [
        ("tcp_keepalives_idle", step.as_str()),
        ("tcp_keepalives_interval", &step),
        ("tcp_keepalives_count", "3"),
    ];
    server.options.clone().application_name("segue-cdc").options(keepalive).connect().await
}

/// A statement, or several, that end in time.
pub(crate) async fn within<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, SourceError> {
    Ok(timeout(STATEMENT, statement).await.map_err(|_| SourceError::Silent)??)
}
