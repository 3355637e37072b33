//! What a caller of identity can do about an error.

use segue_domain::{Code, Coded, FieldViolation, PageError, UserId};
use segue_store::StoreError;
use std::time::Duration;

/// An error of the identity role.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong.
    #[error("{}: {}", .0.field, .0.description)]
    Field(FieldViolation),
    /// The page cannot be listed.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Address and password do not match, or there is no such account: the same answer for both.
    #[error("e-mail address and password do not match; check both and try again")]
    WrongCredentials,
    /// The caller is signed in, and the password that was to prove it is wrong.
    #[error("the password is not the account's password")]
    WrongPassword(&'static str),
    /// Not a refresh token of an open session.
    #[error("the refresh token is not valid or its session has ended; sign in again")]
    RefreshInvalid,
    /// A refresh token came twice: one of two holders is a thief, so the session has ended.
    #[error("the refresh token was used before, so its session was ended; sign in again")]
    RefreshReused,
    /// The account of the token is gone.
    #[error("the account of this access token is gone; sign in with another one")]
    AccountGone,
    /// Sign-up is closed.
    #[error("sign-up is closed on this server; ask its administrator for an account")]
    SignUpClosed,
    /// Sign-up is by invitation.
    #[error("sign-up is by invitation on this server; send a good invitation_code")]
    InvitationNeeded,
    /// Another account has the address.
    #[error("an account with this e-mail address exists; sign in, or use another address")]
    EmailTaken,
    /// The request id names another account.
    #[error("request_id was used for another account; make a new one")]
    RequestIdTaken,
    /// Someone changed the account meanwhile.
    #[error("the account was changed meanwhile; read it with GetMe and repeat the change with its etag")]
    Stale,
    /// An administrator disabled the account.
    #[error("this account has been disabled; ask the administrator of this server to enable it")]
    Disabled,
    /// No such account.
    #[error("there is no account {0}; list them with ListUsers")]
    UserNotFound(UserId),
    /// Nobody has this id or address.
    #[error("there is no such account")]
    Nobody,
    /// An administrator would lock themselves out.
    #[error("you cannot disable your own account; ask another administrator")]
    OwnAccount,
    /// No such session, or another account's.
    #[error("there is no such session of this account; list them with ListSessions")]
    SessionNotFound,
    /// Too many passwords wait to be hashed.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration cannot work.
    #[error("identity configuration: {0}")]
    Config(&'static str),
    /// A fault of ours.
    #[error("identity failed: {0}")]
    Internal(String),
}

impl Error {
    pub(crate) fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Field(FieldViolation::new(field, description))
    }
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            // A wrong password of someone whose token is good says nothing about the token.
            Self::Field(_) | Self::Page(_) | Self::WrongPassword(_) => Code::InvalidArgument,
            Self::WrongCredentials | Self::RefreshInvalid | Self::RefreshReused | Self::AccountGone => {
                Code::Unauthenticated
            }
            Self::Disabled => Code::PermissionDenied,
            Self::SignUpClosed | Self::InvitationNeeded | Self::OwnAccount => Code::FailedPrecondition,
            Self::EmailTaken | Self::RequestIdTaken => Code::AlreadyExists,
            Self::Stale => Code::Aborted,
            Self::SessionNotFound | Self::UserNotFound(_) | Self::Nobody => Code::NotFound,
            Self::Busy => Code::ResourceExhausted,
            // A duplicate that no use case expected is a fault of ours.
            Self::Store(StoreError::Duplicate) => Code::Internal,
            Self::Store(error) => error.code(),
            Self::Config(_) | Self::Internal(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Field(_) => "FIELD_INVALID",
            Self::Page(_) => "PAGE_INVALID",
            Self::WrongCredentials => "CREDENTIALS_WRONG",
            Self::WrongPassword(_) => "PASSWORD_WRONG",
            Self::RefreshInvalid => "REFRESH_TOKEN_INVALID",
            Self::RefreshReused => "REFRESH_TOKEN_REUSED",
            Self::AccountGone => "ACCOUNT_GONE",
            Self::SignUpClosed => "SIGN_UP_CLOSED",
            Self::InvitationNeeded => "INVITATION_NEEDED",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::RequestIdTaken => "REQUEST_ID_TAKEN",
            Self::Stale => "ETAG_STALE",
            Self::Disabled => "ACCOUNT_DISABLED",
            Self::UserNotFound(_) | Self::Nobody => "USER_NOT_FOUND",
            Self::OwnAccount => "OWN_ACCOUNT",
            Self::SessionNotFound => "SESSION_NOT_FOUND",
            Self::Busy => "PASSWORD_QUEUE_FULL",
            Self::Store(StoreError::Duplicate) => "INTERNAL",
            Self::Store(error) => error.reason(),
            Self::Config(_) | Self::Internal(_) => "INTERNAL",
        }
    }

    fn fields(&self) -> Vec<FieldViolation> {
        match self {
            Self::Field(violation) => vec![violation.clone()],
            Self::Page(error) => {
                let field = if *error == PageError::NegativeSize { "page_size" } else { "page_token" };
                vec![FieldViolation::new(field, error.to_string())]
            }
            Self::WrongPassword(field) => vec![FieldViolation::new(*field, self.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            Self::Store(error) => error.retry_after(),
            _ => None,
        }
    }
}
