//! Authentication by policy. The gateway is the first lock, every role's server the second: both use this.

use super::{answer, body::Bounded};
use crate::{Caller, Policies, TokenError, Verifier, status};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use segue_domain::{Clock, Code, Coded};
use segue_proto::policy::v1::Access;
use std::sync::Arc;
use tokio::time::Instant;

/// Where the lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Open to the world: SERVICE methods do not exist here, and role tokens open nothing.
    Public,
    /// Between roles.
    Inner,
}

/// What authentication needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Verifies tokens.
    pub verifier: Verifier,
    /// Who may call what.
    pub policies: Arc<Policies>,
    /// Where the lock is.
    pub door: Door,
    /// For streams that end with their token.
    pub clock: Arc<dyn Clock>,
}

impl Auth {
    /// Who calls, if the path's policy lets them.
    pub fn check(&self, path: &str, headers: &http::HeaderMap) -> Result<Caller, tonic::Status> {
        if path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.") {
            return Ok(Caller::Anonymous);
        }
        let unknown = || status(Refused::NoSuchMethod(path.chars().take(200).collect()));
        let policy = self.policies.get(path).ok_or_else(unknown)?;
        if policy.access == Access::Service && self.door == Door::Public {
            return Err(unknown());
        }
        let caller = match headers.get(http::header::AUTHORIZATION) {
            None => Caller::Anonymous,
            Some(value) => {
                let text = value.to_str().map_err(|_| status(TokenError::Invalid))?;
                let (scheme, token) = text.split_once(' ').ok_or_else(|| status(TokenError::Invalid))?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(status(TokenError::Invalid));
                }
                self.verifier.verify(token.trim()).map_err(status)?
            }
        };
        let allowed = match (policy.access, &caller) {
            (_, Caller::Role(_)) => self.door == Door::Inner,
            (Access::Public, _) => true,
            (_, Caller::Anonymous) => return Err(status(Refused::SignInFirst)),
            (Access::User, Caller::User(_)) => true,
            (Access::Admin, Caller::User(user)) => user.admin,
            (Access::Service | Access::Unspecified, Caller::User(_)) => false,
        };
        if allowed { Ok(caller) } else { Err(status(Refused::NotAllowed)) }
    }
}

/// Innermost, right before the service, so that what is refused earlier costs no verification.
pub(crate) async fn layer(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    let caller = match auth.check(request.uri().path(), request.headers()) {
        Ok(caller) => caller,
        Err(refused) => return answer(refused),
    };
    let streaming = auth.policies.get(request.uri().path()).is_some_and(|p| p.streaming);
    let expires = match &caller {
        Caller::User(user) if streaming => Some(user.expires),
        _ => None,
    };
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    match expires {
        None => response,
        Some(expires) => {
            let end = Instant::now() + expires.since(auth.clock.now());
            response.map(|b| axum::body::Body::new(Bounded::new(b, end, || status(TokenError::Expired))))
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("there is no method {0}; list the services with server reflection")]
    NoSuchMethod(String),
    #[error("this method needs a signed-in user; send 'authorization: Bearer <access token>' from SignIn")]
    SignInFirst,
    #[error("this method is not for this account; ask an administrator")]
    NotAllowed,
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::NoSuchMethod(_) => Code::Unimplemented,
            Self::SignInFirst => Code::Unauthenticated,
            Self::NotAllowed => Code::PermissionDenied,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchMethod(_) => "METHOD_UNKNOWN",
            Self::SignInFirst => "TOKEN_REQUIRED",
            Self::NotAllowed => "NOT_ALLOWED",
        }
    }
}
