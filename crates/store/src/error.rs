//! What a caller of the store can do about an error. No SQL type crosses this line.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlErr, sqlx};
use segue_domain::{Code, Coded};
use std::time::Duration;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint holds a row with the same key: read it and decide.
    #[error("a row with the same key is already there")]
    Duplicate,
    /// The database is away, slow, restarting or full, and nothing was changed by a transaction: try again.
    #[error("database is unavailable: {}", Told(.0))]
    Unavailable(#[source] DbErr),
    /// The answer to a commit was lost, and what became of it could not be found out in time. Read before trying
    /// again.
    #[error("the answer to a commit was lost: {0}")]
    Unknown(#[source] DbErr),
    /// The configuration names a database that cannot be used. The text begins with the key and says what to do.
    #[error("{key} {problem}")]
    Config {
        /// `store.url`.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The schema is older than the program.
    #[error("the tables of {0} are missing or older than this program; run 'segue provision' first")]
    Unmigrated(String),
    /// A fault of ours: a wrong query, a row that does not parse.
    #[error("database failed: {0}")]
    Internal(#[source] DbErr),
}

impl StoreError {
    /// A row that the program cannot read.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Internal(DbErr::Custom(format!("unreadable row: {what}")))
    }

    pub(crate) fn config(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config { key: key.into(), problem: problem.into() }
    }

    /// An attempt that was given up before an answer came.
    pub(crate) fn gave_up(why: &str) -> Self {
        Self::Unavailable(DbErr::Conn(RuntimeErr::Internal(why.to_owned())))
    }

    /// As [`StoreError::from`], for the error of a commit: unless the server said that it undid the transaction, nobody
    /// knows.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        let undone = sqlx_error(&error)
            .and_then(|e| e.as_database_error())
            .and_then(|e| e.code())
            .is_some_and(|code| code.starts_with("40") || code.starts_with("23"));
        match Self::from(error) {
            Self::Unavailable(error) if !undone => Self::Unknown(error),
            error => error,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
            return Self::Duplicate;
        }
        let transient = match &error {
            DbErr::ConnectionAcquire(_) => true,
            error => match sqlx_error(error) {
                Some(error) => transient(error),
                None => matches!(error, DbErr::Conn(_)),
            },
        };
        if transient { Self::Unavailable(error) } else { Self::Internal(error) }
    }
}

/// An error in words that say what to look at.
struct Told<'a>(&'a DbErr);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            // What is handed out while no server of a group leads is a pool that is closed.
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => {
                f.write_str("none of its servers is a primary now")
            }
            error => error.fmt(f),
        }
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e))
        | DbErr::Conn(RuntimeErr::SqlxError(e)) => Some(e),
        _ => None,
    }
}

/// Broken connections, servers that start or stop (class 57P), writes to a primary that became a replica (25006), locks
/// that did not come in time (55P03), lack of resources (53), serialization (40), and SQLite's BUSY and FULL.
fn transient(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => true,
        E::Database(e) => e.code().is_some_and(|c| {
            ["08", "40", "53", "57P"].iter().any(|class| c.starts_with(class)) && c.len() == 5
                || matches!(&*c, "25006" | "55P03" | "5" | "13" | "261" | "517")
        }),
        _ => false,
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Duplicate => Code::AlreadyExists,
            Self::Unavailable(_) | Self::Unknown(_) => Code::Unavailable,
            Self::Config { .. } | Self::Unmigrated(_) | Self::Internal(_) => Code::Internal,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::Duplicate => "ALREADY_EXISTS",
            Self::Unavailable(_) => "DATABASE_UNAVAILABLE",
            Self::Unknown(_) => "OUTCOME_UNKNOWN",
            Self::Config { .. } | Self::Unmigrated(_) | Self::Internal(_) => "INTERNAL",
        }
    }
    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_) | Self::Unknown(_)).then_some(Duration::from_millis(500))
    }
}
