//! What can go wrong between us and the account.

use segue_domain::ObjectName;
use segue_ports::blob::BlobError;
use std::time::Duration;

/// The largest object that Put Blob takes, bytes (service versions from 2019-12-12 on).
const PUT_BLOB_MAX: u64 = 5_000 << 20;

/// A call that failed. Holds no URL, for a URL of ours has a signature in it, and no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing was sent.
    #[error("cannot connect to the blob store: {0}")]
    Connect(String),
    /// The connection ended before the answer did.
    #[error("the connection to the blob store broke: {0}")]
    Broken(String),
    /// There was no answer in time.
    #[error("the blob store did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The service said no.
    #[error("the blob store answered {status} {code}")]
    Refused {
        /// HTTP status code.
        status: u16,
        /// Azure's error code, empty when there was none.
        code: String,
    },
    /// The answer is not what the service would send.
    #[error("the answer of the blob store cannot be understood: {0}")]
    Garbled(String),
    /// There is nothing to prove ourselves with.
    #[error("{0}")]
    Credential(String),
}

impl Failure {
    /// Whether another try may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::TimedOut(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Garbled(_) | Self::Credential(_) => false,
        }
    }

    /// Whether the call may have had its effect all the same. A service that is busy (429, 503) has done nothing.
    pub(super) fn may_be_done(&self) -> bool {
        match self {
            Self::Broken(_) | Self::TimedOut(_) | Self::Garbled(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 500 | 502 | 504),
            Self::Connect(_) | Self::Credential(_) => false,
        }
    }

    /// The status of a refusal, else 0.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Refused { status, .. } => *status,
            _ => 0,
        }
    }

    /// Azure's code of a refusal, else empty.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// The same, in the port's terms. A container that is not there is no missing object: nobody may conclude from
    /// it that an upload is gone.
    pub(super) fn of(self, object: &ObjectName) -> BlobError {
        match (self.status(), self.code()) {
            (404, "BlobNotFound" | "") => BlobError::NotFound(object.clone()),
            (409, "BlobAlreadyExists") => BlobError::Exists(object.clone()),
            (412, _) => BlobError::Changed(object.clone()),
            (400, "InvalidBlockList") => BlobError::InvalidBlockList,
            (413, _) => BlobError::TooLarge(PUT_BLOB_MAX),
            _ => BlobError::unavailable(self),
        }
    }
}

/// Of a request by SAS. The URL is taken out.
impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        match error.is_connect() {
            true => Self::Connect(text),
            false if error.is_builder() => Self::Garbled(text),
            false => Self::Broken(text),
        }
    }
}

/// Of a call by the crate.
impl From<azure_core::Error> for Failure {
    fn from(error: azure_core::Error) -> Self {
        if let Some(refused) = error.as_http_error() {
            let code = refused.error_code().unwrap_or_default().to_owned();
            return Self::Refused { status: refused.status().into(), code };
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(ours) = inner.downcast_ref::<Self>() {
                return ours.clone();
            }
            cause = inner.source();
        }
        match error.kind() {
            azure_core::error::ErrorKind::Credential => Self::Credential(error.to_string()),
            _ => Self::Garbled(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_container_is_no_missing_object() {
        let object: ObjectName = "originals/a/b".parse().expect("a name");
        let of = |status, code: &str| Failure::Refused { status, code: code.to_owned() }.of(&object);
        assert!(matches!(of(404, "BlobNotFound"), BlobError::NotFound(_)));
        assert!(matches!(of(404, "ContainerNotFound"), BlobError::Unavailable(_)));
        assert!(matches!(of(403, "AuthenticationFailed"), BlobError::Unavailable(_)));
        assert!(matches!(of(409, "ContainerBeingDeleted"), BlobError::Unavailable(_)));
        assert!(matches!(of(412, "ConditionNotMet"), BlobError::Changed(_)));
    }
}
