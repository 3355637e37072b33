//! Which web pages may call (Fetch, "CORS protocol").

use crate::Error;
use http::{HeaderName, HeaderValue, Method, header::RETRY_AFTER};
use segue_mesh::CONSISTENCY_HEADER;
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// What a page may read of an answer, besides its body.
const EXPOSED: [&str; 8] = [
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "grpc-encoding",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    CONSISTENCY_HEADER,
];

/// No credentials mode: tokens travel in the authorization header, never in cookies.
pub(crate) fn layer(origins: &[String]) -> Result<CorsLayer, Error> {
    let allowed = if origins.iter().any(|o| o == "*") {
        AllowOrigin::any()
    } else {
        let parsed: Result<Vec<_>, Error> = origins.iter().map(|o| origin(o)).collect();
        AllowOrigin::list(parsed?)
    };
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // Any metadata, and `*` would not cover authorization.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(
            EXPOSED.map(HeaderName::from_static).into_iter().chain([RETRY_AFTER]).collect::<Vec<_>>(),
        )
        // The longest that browsers honour.
        .max_age(Duration::from_secs(7200)))
}

fn origin(text: &str) -> Result<HeaderValue, Error> {
    let wrong = || Error::Config {
        field: "cors_origins",
        wanted: format!("origins such as https://music.example, or *; not {text:?}"),
    };
    let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
    if scheme.is_empty() || host.is_empty() || host.contains(['/', '?', '#', '@', '*', ' ']) {
        return Err(wrong());
    }
    HeaderValue::try_from(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_origins() {
        for good in ["https://music.example", "http://localhost:5173", "capacitor://localhost"] {
            assert!(layer(&[good.into()]).is_ok(), "{good}");
        }
        for bad in ["music.example", "https://music.example/", "https://*.example", "", "https://"] {
            assert!(layer(&[bad.into()]).is_err(), "{bad}");
        }
    }
}
