//! The closed set of error codes, and what an error must say to become an answer.

use std::{error::Error, time::Duration};

/// What the caller can do about an error. One file in `mesh` maps these to gRPC statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Change the request.
    InvalidArgument,
    /// Sign in, or send a token that is good.
    Unauthenticated,
    /// Ask someone who may.
    PermissionDenied,
    /// It is not there, or not for this caller.
    NotFound,
    /// It is there already, with other content.
    AlreadyExists,
    /// Read again and repeat the change.
    Aborted,
    /// Bring the thing into another state first.
    FailedPrecondition,
    /// Ask less, or later.
    ResourceExhausted,
    /// Ask again in a moment.
    Unavailable,
    /// Allow more time.
    DeadlineExceeded,
    /// The caller went away.
    Cancelled,
    /// There is no such method.
    Unimplemented,
    /// A fault of ours. The text is logged and never sent.
    Internal,
}

/// A field of the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field: `song.title`.
    pub field: String,
    /// A sentence that says what is wanted.
    pub description: String,
}

impl FieldViolation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// All of them in one sentence.
    pub fn sentence(fields: &[Self]) -> String {
        let one = |violation: &Self| format!("{}: {}", violation.field, violation.description);
        fields.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// An error that knows its answer. `Display` is the sentence that the caller reads, unless the code is
/// [`Code::Internal`] or [`Code::Unavailable`]: then it is logged and a general sentence is sent.
pub trait Coded: Error + Send + Sync + 'static {
    /// What the caller can do.
    fn code(&self) -> Code;
    /// UPPER_SNAKE, stable, for programs: `UPLOAD_INCOMPLETE`.
    fn reason(&self) -> &'static str;
    /// Fields at fault, for [`Code::InvalidArgument`].
    fn fields(&self) -> Vec<FieldViolation> {
        Vec::new()
    }
    /// Facts for programs that go with the reason.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// When asking again makes sense.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
