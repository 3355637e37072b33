//! Who calls. Put into the request by authentication, read by services.

use segue_domain::{Code, Coded, SessionId, Timestamp, UserId};
use std::sync::Arc;
use tonic::{Request, Status};

/// A signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// The session of the token.
    pub session: SessionId,
    /// May call admin methods.
    pub admin: bool,
    /// When the token ends.
    pub expires: Timestamp,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular. Reaches PUBLIC methods only.
    Anonymous,
    /// A user.
    User(User),
    /// Another role of Segue, by name.
    Role(Arc<str>),
}

impl Caller {
    /// The caller of a request that passed authentication.
    pub fn of<T>(request: &Request<T>) -> Caller {
        request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anonymous)
    }

    /// The user, or UNAUTHENTICATED.
    pub fn user<T>(request: &Request<T>) -> Result<User, Status> {
        match Self::of(request) {
            Caller::User(user) => Ok(user),
            _ => Err(crate::status(NotSignedIn)),
        }
    }

    /// The account, when a user calls.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Caller::User(user) => Some(user.id),
            _ => None,
        }
    }

    /// True for admins and for roles: they may see everything.
    pub fn sees_all(&self) -> bool {
        match self {
            Caller::Anonymous => false,
            Caller::User(user) => user.admin,
            Caller::Role(_) => true,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this method needs a signed-in user; send 'authorization: Bearer <access token>' from SignIn")]
struct NotSignedIn;

impl Coded for NotSignedIn {
    fn code(&self) -> Code {
        Code::Unauthenticated
    }
    fn reason(&self) -> &'static str {
        "TOKEN_REQUIRED"
    }
}
