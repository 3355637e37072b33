//! Every question to the broker has a limit, and every fault an owner.

use lapin::ErrorKind;
use segue_ports::bus::BusError;
use std::{fmt, time::Duration};

/// What went wrong with one question to the broker.
#[derive(Debug)]
pub(super) enum Fault {
    /// No answer in time.
    Slow(&'static str),
    /// An answer, or the end of the connection.
    Broker(&'static str, lapin::Error),
}

impl Fault {
    /// The broker's reply code (AMQP 0-9-1: 403 access refused, 404 not found, 405 locked, 406 precondition failed,
    /// 530 not allowed).
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Broker(_, error) => match error.kind() {
                ErrorKind::ProtocolError(error) => Some(error.get_id()),
                _ => None,
            },
            Self::Slow(_) => None,
        }
    }

    /// What the broker said.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Broker(_, error) => match error.kind() {
                ErrorKind::ProtocolError(error) => error.get_message().to_string(),
                _ => error.to_string(),
            },
            Self::Slow(what) => format!("{what} took too long"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(what) => write!(f, "{what} took too long"),
            Self::Broker(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for BusError {
    fn from(fault: Fault) -> Self {
        Self::unavailable(fault)
    }
}

/// The answer, or [`Fault::Slow`] after `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    what: &'static str,
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::Broker(what, error)),
        Err(_) => Err(Fault::Slow(what)),
    }
}
