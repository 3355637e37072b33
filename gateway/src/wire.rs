//! Which protocol a request speaks, by its content-type.

use http::{HeaderMap, header::CONTENT_TYPE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, binary.
    Web,
    /// gRPC-Web in base64.
    WebText,
}

impl Wire {
    /// `None` for anything else, other codecs than protobuf among it.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        // Parameters, such as a charset, say nothing about bytes.
        let kind = value.split(';').next().unwrap_or_default().trim();
        let is = |names: [&str; 2]| names.iter().any(|n| kind.eq_ignore_ascii_case(n));
        if is(["application/grpc", "application/grpc+proto"]) {
            Some(Self::Grpc)
        } else if is(["application/grpc-web", "application/grpc-web+proto"]) {
            Some(Self::Web)
        } else if is(["application/grpc-web-text", "application/grpc-web-text+proto"]) {
            Some(Self::WebText)
        } else {
            None
        }
    }

    /// The exact content-type that tonic-web knows.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_told_apart() {
        for (text, wire) in [
            ("application/grpc", Some(Wire::Grpc)),
            ("application/grpc+proto", Some(Wire::Grpc)),
            ("Application/gRPC-Web", Some(Wire::Web)),
            ("application/grpc-web+proto; charset=utf-8", Some(Wire::Web)),
            ("application/grpc-web-text", Some(Wire::WebText)),
            ("application/grpc+json", None),
            ("application/grpc-webber", None),
            ("application/json", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, text.parse().unwrap());
            assert_eq!(Wire::of(&headers), wire, "{text}");
        }
        assert_eq!(Wire::of(&HeaderMap::new()), None);
    }
}
