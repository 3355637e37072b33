//! What goes wrong inside the engine, in the terms of both of its faces.

use segue_domain::ObjectName;
use segue_ports::blob::BlobError;
use std::{io, sync::Arc};

/// An engine's refusal or failure.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("there is no such object")]
    NotFound,
    #[error("the object is already there")]
    Exists,
    #[error("the SAS may create the object, not overwrite it")]
    OverwriteForbidden,
    #[error("a condition of the request does not hold")]
    ConditionNotMet,
    #[error("the block list names blocks that are not stored")]
    InvalidBlockList,
    #[error("all block ids of an object must have the same length")]
    BlockIdLength,
    #[error("an object has at most 50,000 blocks")]
    TooManyBlocks,
    #[error("the object is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the range begins behind the end ({0} bytes)")]
    OutOfRange(u64),
    #[error("a segment of the object's name is longer than 200 bytes")]
    NameTooLong,
    #[error("the directory failed: {0}")]
    Io(Arc<io::Error>),
}

impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl EngineError {
    /// The same, in the port's terms.
    pub(crate) fn of(self, object: &ObjectName) -> BlobError {
        match self {
            Self::NotFound => BlobError::NotFound(object.clone()),
            Self::Exists | Self::OverwriteForbidden => BlobError::Exists(object.clone()),
            Self::ConditionNotMet => BlobError::Changed(object.clone()),
            Self::InvalidBlockList => BlobError::InvalidBlockList,
            Self::TooLarge(bytes) => BlobError::TooLarge(bytes),
            Self::OutOfRange(bytes) => BlobError::OutOfRange(bytes),
            other => BlobError::unavailable(other),
        }
    }
}
