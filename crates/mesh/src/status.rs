//! The one place where an error becomes a gRPC status.
#![allow(clippy::disallowed_methods, reason = "the only file that builds a status")]

use segue_domain::{Code, Coded};
use std::error::Error;
use tonic::{Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// What a service method returns.
pub type Reply<T> = Result<Response<T>, Status>;

const DOMAIN: &str = "segue";

/// The status of an error, with exactly one ErrorInfo, BadRequest for fields, and RetryInfo where asking again
/// helps. Text of faults that are ours is logged here and not sent.
pub fn status(error: impl Coded) -> Status {
    let code = error.code();
    let message = match code {
        Code::Internal => {
            tracing::error!(error = chain(&error), reason = error.reason(), "request failed");
            "something went wrong on our side; it was logged".to_owned()
        }
        Code::Unavailable => {
            tracing::warn!(error = chain(&error), reason = error.reason(), "dependency unavailable");
            "a part that this call needs is not available at the moment; try again".to_owned()
        }
        _ => error.to_string(),
    };
    let metadata = error.metadata().into_iter().map(|(k, v)| (k.to_owned(), v));
    let mut details = ErrorDetails::with_error_info(
        error.reason(),
        DOMAIN,
        metadata.collect::<std::collections::HashMap<_, _>>(),
    );
    let fields = error.fields();
    if !fields.is_empty() {
        details.set_bad_request(
            fields
                .into_iter()
                .map(|f| tonic_types::FieldViolation::new(f.field, f.description))
                .collect::<Vec<_>>(),
        );
    }
    if let Some(wait) = error.retry_after() {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(to_tonic(code), message, details)
}

/// The code of a status that another service answered with.
pub fn from_status(status: &Status) -> Code {
    match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Code::InvalidArgument,
        tonic::Code::Unauthenticated => Code::Unauthenticated,
        tonic::Code::PermissionDenied => Code::PermissionDenied,
        tonic::Code::NotFound => Code::NotFound,
        tonic::Code::AlreadyExists => Code::AlreadyExists,
        tonic::Code::Aborted => Code::Aborted,
        tonic::Code::FailedPrecondition => Code::FailedPrecondition,
        tonic::Code::ResourceExhausted => Code::ResourceExhausted,
        tonic::Code::Unavailable => Code::Unavailable,
        tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
        tonic::Code::Cancelled => Code::Cancelled,
        tonic::Code::Unimplemented => Code::Unimplemented,
        _ => Code::Internal,
    }
}

fn to_tonic(code: Code) -> tonic::Code {
    match code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::Aborted => tonic::Code::Aborted,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::Cancelled => tonic::Code::Cancelled,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::Internal => tonic::Code::Internal,
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, thiserror::Error)]
    #[error("secret detail")]
    struct Fault(Code);
    impl Coded for Fault {
        fn code(&self) -> Code {
            self.0
        }
        fn reason(&self) -> &'static str {
            "A_REASON"
        }
        fn retry_after(&self) -> Option<Duration> {
            Some(Duration::from_secs(2))
        }
    }

    #[test]
    fn internal_text_is_never_sent() {
        let status = status(Fault(Code::Internal));
        assert_eq!(status.code(), tonic::Code::Internal);
        assert!(!status.message().contains("secret"));
    }

    #[test]
    fn details_name_reason_and_retry() {
        let status = status(Fault(Code::ResourceExhausted));
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "A_REASON");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(2)));
        assert_eq!(status.message(), "secret detail");
    }
}
