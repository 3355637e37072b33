//! What a caller of the store can do about an error. No SQL type crosses this line.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use segue_domain::{Code, Coded};
use std::time::Duration;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint holds a row with the same key: read it and decide.
    #[error("a row with the same key is already there")]
    Duplicate,
    /// The database is away, slow, restarting or full: try again.
    #[error("database is unavailable: {0}")]
    Unavailable(#[source] DbErr),
    /// A fault of ours: a wrong query, a row that does not parse.
    #[error("database failed: {0}")]
    Internal(#[source] DbErr),
}

impl StoreError {
    /// A row that the program cannot read.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Internal(DbErr::Custom(format!("unreadable row: {what}")))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
            return Self::Duplicate;
        }
        let transient = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => transient(e),
            _ => false,
        };
        if transient { Self::Unavailable(error) } else { Self::Internal(error) }
    }
}

/// Broken connections, servers that start or stop (class 57P), lack of resources (53), serialization (40), and
/// SQLite's BUSY and FULL.
fn transient(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => true,
        E::Database(e) => e.code().is_some_and(|c| {
            ["08", "40", "53", "57P"].iter().any(|class| c.starts_with(class)) && c.len() == 5
                || matches!(&*c, "5" | "13" | "261" | "517")
        }),
        _ => false,
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Duplicate => Code::AlreadyExists,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::Duplicate => "ALREADY_EXISTS",
            Self::Unavailable(_) => "DATABASE_UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }
    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_)).then_some(Duration::from_millis(500))
    }
}
