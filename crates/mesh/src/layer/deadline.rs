//! Deadlines. tonic applies `grpc-timeout` in its transport only, so a call in the same process would have
//! none: this layer holds on both.

use super::{answer, body::Bounded};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use segue_domain::{Code, Coded};
use std::time::Duration;
use tokio::time::Instant;

tokio::task_local! {
    /// When the call that is being handled must have been answered.
    static DEADLINE: Option<Instant>;
}

/// The time that is left for calls made on behalf of the current one; `None` when it has no deadline.
pub fn remaining() -> Option<Duration> {
    DEADLINE.try_with(|d| *d).ok().flatten().map(|d| d.saturating_duration_since(Instant::now()))
}

/// Ends a call at the caller's deadline, or at `default` when it names none. A stream without a deadline has
/// none; one with a deadline ends DEADLINE_EXCEEDED in the middle.
pub(crate) async fn layer(State(default): State<Duration>, request: Request, next: Next) -> Response {
    let asked = parse(request.headers());
    let limit = asked.unwrap_or(default);
    let deadline = Instant::now() + limit;
    let run = DEADLINE.scope(Some(deadline), next.run(request));
    match tokio::time::timeout_at(deadline, run).await {
        Ok(response) if asked.is_some() => {
            response.map(|b| axum::body::Body::new(Bounded::new(b, deadline, || crate::status(Late))))
        }
        Ok(response) => response,
        Err(_) => answer(crate::status(Late)),
    }
}

/// `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").
pub(crate) fn parse(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(n * 3600),
        "M" => Duration::from_secs(n * 60),
        "S" => Duration::from_secs(n),
        "m" => Duration::from_millis(n),
        "u" => Duration::from_micros(n),
        "n" => Duration::from_nanos(n),
        _ => return None,
    })
}

/// The remaining time as a header value.
pub(crate) fn format(limit: Duration) -> String {
    let millis = limit.as_millis();
    if millis < 100_000_000 { format!("{millis}m") } else { format!("{}S", limit.as_secs().min(99_999_999)) }
}

#[derive(Debug, thiserror::Error)]
#[error("the call took longer than its deadline; allow more time, or try again later")]
struct Late;

impl Coded for Late {
    fn code(&self) -> Code {
        Code::DeadlineExceeded
    }
    fn reason(&self) -> &'static str {
        "DEADLINE_EXCEEDED"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            parse(&headers)
        };
        assert_eq!(read("1S"), Some(Duration::from_secs(1)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "S", "1", "-1S", "1s", "123456789S", "1 S"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
