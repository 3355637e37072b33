//! Why an attempt ended without an output.

use crate::{Error, encoding::Failure};
use segue_domain::{Code, Coded, FailureReason};
use segue_ports::blob::BlobError;
use segue_store::StoreError;

/// Decides what becomes of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Trying again with the same bytes is pointless: the encoding fails, the owner is told why.
    Failed(Failure),
    /// The attempt failed by itself: it counts, and the third one parks the job.
    Died(String),
    /// Something that an attempt needs is away: try again later, nothing is counted.
    Away(String),
    /// The encoding has ended elsewhere: cancelled, or done by another worker.
    Ended,
    /// This process shuts down.
    ShuttingDown,
}

impl Stop {
    pub(super) fn cancelled(message: &str) -> Self {
        Self::Failed(Failure::new(FailureReason::Cancelled, message))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error.code() {
            Code::Unavailable => Self::Away(error.to_string()),
            _ => Self::Died(error.to_string()),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error.code() {
            Code::Internal => Self::Died(error.to_string()),
            _ => Self::Away(error.to_string()),
        }
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Unavailable(_) => Self::Away(error.to_string()),
            _ => Self::Died(error.to_string()),
        }
    }
}
