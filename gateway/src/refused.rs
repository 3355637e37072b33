//! What the gateway itself answers instead of a role.

use segue_domain::{Code, Coded};
use std::time::Duration;
use tower::BoxError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no method {0}; list the services with server reflection")]
    NoSuchMethod(String),
    #[error("too many calls at once; try again in a moment")]
    Overloaded,
    #[error("the call took longer than its deadline; allow more time, or try again later")]
    Late,
    #[error("gateway panicked")]
    Panicked,
    #[error("cannot reach {service}")]
    Unreachable { service: String, source: BoxError },
    #[error("{service} answered with something that is not gRPC")]
    NotGrpc { service: String },
    #[error("{service} broke off its answer")]
    BrokenOff { service: String },
    #[error(
        "too many {calls} from {whom}: {per_second} per second and {burst} at once are allowed; \
         try again in {}", seconds(*.wait)
    )]
    Limited { calls: &'static str, whom: &'static str, per_second: f64, burst: u32, wait: Duration },
}

/// For people: `0.3 s`, `12 s`.
fn seconds(wait: Duration) -> String {
    let wait = wait.as_secs_f64();
    if wait < 9.95 {
        format!("{:.1} s", (wait * 10.0).ceil() / 10.0)
    } else {
        format!("{:.0} s", wait.ceil())
    }
}

impl Refused {
    pub(crate) fn no_such_method(path: &str) -> Self {
        Self::NoSuchMethod(path.chars().take(200).collect())
    }
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::NoSuchMethod(_) => Code::Unimplemented,
            Self::Overloaded | Self::Limited { .. } => Code::ResourceExhausted,
            Self::Late => Code::DeadlineExceeded,
            Self::Panicked => Code::Internal,
            Self::Unreachable { .. } | Self::NotGrpc { .. } | Self::BrokenOff { .. } => Code::Unavailable,
        }
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchMethod(_) => "METHOD_UNKNOWN",
            Self::Overloaded => "OVERLOADED",
            Self::Limited { .. } => "RATE_LIMITED",
            Self::Late => "DEADLINE_EXCEEDED",
            Self::Panicked => "INTERNAL",
            Self::Unreachable { .. } | Self::NotGrpc { .. } | Self::BrokenOff { .. } => "SERVICE_UNAVAILABLE",
        }
    }
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { wait, .. } => Some(*wait),
            Self::Overloaded | Self::Unreachable { .. } | Self::NotGrpc { .. } | Self::BrokenOff { .. } => {
                Some(Duration::from_secs(1))
            }
            Self::NoSuchMethod(_) | Self::Late | Self::Panicked => None,
        }
    }
}
