//! Azure's errors, and the headers of every answer.

use crate::{directory::EngineError, sas::Refused};
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};
use segue_domain::Timestamp;
use uuid::Uuid;

/// The service version that is named when the client names none.
const VERSION: &str = "2022-11-02";

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    Engine(EngineError),
    Sas(Refused),
    Permission,
    /// The path names no object.
    Uri,
    /// A header or parameter: its name, and what it should be.
    Header(&'static str, &'static str),
    Query(&'static str, &'static str),
    MissingHeader(&'static str, &'static str),
    Verb,
    Xml(&'static str),
    BlockId,
    Md5Format,
    Md5,
    Crc64,
    /// One block or block list is larger than this many bytes.
    BodyTooLarge(u64),
    /// The client went away or sent less than it said.
    Body,
    Stalled,
    /// Tags that Azure has no name for.
    NotModified {
        etag: String,
        modified: Timestamp,
    },
}

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Failure(Box<Refusal>);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(refusal))
    }
}
impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Refusal::Engine(error).into()
    }
}
impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Refusal::Sas(refused).into()
    }
}

impl Failure {
    pub(super) fn into_response(self, method: &Method) -> Response {
        let refusal = *self.0;
        if let Refusal::NotModified { etag, modified } = &refusal {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            validators(response.headers_mut(), etag, *modified);
            return response;
        }
        let (status, code, message) = refusal.describe();
        let mut response = match *method {
            Method::HEAD => Response::new(Body::empty()),
            _ => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{}</Message></Error>",
                    escape(&message)
                );
                let mut response = Response::new(Body::from(body));
                set(response.headers_mut(), CONTENT_TYPE, "application/xml");
                response
            }
        };
        *response.status_mut() = status;
        set(response.headers_mut(), HeaderName::from_static("x-ms-error-code"), code);
        if let Refusal::Engine(EngineError::OutOfRange(size)) = refusal {
            set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
        }
        response
    }
}

impl Refusal {
    fn describe(&self) -> (StatusCode, &'static str, String) {
        use StatusCode as S;
        let (status, code, message) = match self {
            Self::Engine(error) => return engine(error),
            Self::Sas(Refused::Unsigned) => (
                S::UNAUTHORIZED,
                "NoAuthenticationInformation",
                "The URL carries no signature (sig); use the signed URL as it was given.",
            ),
            Self::Sas(Refused::Failed(message)) => (S::FORBIDDEN, "AuthenticationFailed", *message),
            Self::Sas(Refused::Protocol) => {
                (S::FORBIDDEN, "AuthorizationProtocolMismatch", "The signed URL is for https only.")
            }
            Self::Permission => (
                S::FORBIDDEN,
                "AuthorizationPermissionMismatch",
                "The signed URL does not allow this operation (sp).",
            ),
            Self::Uri => (
                S::BAD_REQUEST,
                "InvalidUri",
                "The path must be /account/container/object, the object's segments of A-Z, a-z, 0-9, '.', '_' and '-'.",
            ),
            Self::Header(name, wanted) => {
                return (
                    S::BAD_REQUEST,
                    "InvalidHeaderValue",
                    format!("The header {name} must be {wanted}."),
                );
            }
            Self::MissingHeader(name, wanted) => {
                return (
                    S::BAD_REQUEST,
                    "MissingRequiredHeader",
                    format!("The header {name} must be {wanted}."),
                );
            }
            Self::Query(name, wanted) => {
                return (
                    S::BAD_REQUEST,
                    "InvalidQueryParameterValue",
                    format!("The parameter {name} must be {wanted}."),
                );
            }
            Self::Verb => (
                S::METHOD_NOT_ALLOWED,
                "UnsupportedHttpVerb",
                "Objects take GET, HEAD, PUT, DELETE and OPTIONS.",
            ),
            Self::Xml(message) => (S::BAD_REQUEST, "InvalidXmlDocument", *message),
            Self::BlockId => (
                S::BAD_REQUEST,
                "InvalidBlockId",
                "A block id must be base64 of 1 to 64 bytes, escaped in the URL.",
            ),
            Self::Md5Format => (S::BAD_REQUEST, "InvalidMd5", "Content-MD5 must be base64 of 16 bytes."),
            Self::Md5 => {
                (S::BAD_REQUEST, "Md5Mismatch", "The bytes do not have the given MD5; send them again.")
            }
            Self::Crc64 => {
                (S::BAD_REQUEST, "Crc64Mismatch", "The bytes do not have the given CRC-64; send them again.")
            }
            Self::BodyTooLarge(limit) => {
                return too_large(&format!("The body of this request may have {limit} bytes at most."));
            }
            Self::Body => (S::BAD_REQUEST, "IncompleteBody", "The body ended before its announced length."),
            Self::Stalled => {
                (S::REQUEST_TIMEOUT, "OperationTimedOut", "No bytes came for a minute; send it again.")
            }
            Self::NotModified { .. } => (S::NOT_MODIFIED, "ConditionNotMet", "The object has not changed."),
        };
        (status, code, message.to_owned())
    }
}

fn engine(error: &EngineError) -> (StatusCode, &'static str, String) {
    use StatusCode as S;
    let (status, code) = match error {
        EngineError::NotFound => (S::NOT_FOUND, "BlobNotFound"),
        EngineError::Exists => (S::CONFLICT, "BlobAlreadyExists"),
        EngineError::OverwriteForbidden => (S::FORBIDDEN, "UnauthorizedBlobOverwrite"),
        EngineError::ConditionNotMet => (S::PRECONDITION_FAILED, "ConditionNotMet"),
        EngineError::InvalidBlockList => (S::BAD_REQUEST, "InvalidBlockList"),
        EngineError::BlockIdLength => (S::BAD_REQUEST, "InvalidBlobOrBlock"),
        EngineError::TooManyBlocks => (S::CONFLICT, "BlockCountExceedsLimit"),
        EngineError::OutOfRange(_) => (S::RANGE_NOT_SATISFIABLE, "InvalidRange"),
        EngineError::NameTooLong => (S::BAD_REQUEST, "InvalidUri"),
        EngineError::TooLarge(limit) => {
            return too_large(&format!("The object may have {limit} bytes at most."));
        }
        EngineError::Io(error) => {
            tracing::error!(%error, "the blob directory failed");
            return (S::SERVICE_UNAVAILABLE, "ServerBusy", "The blob store failed; try again.".to_owned());
        }
    };
    let mut message = error.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message.push('.');
    (status, code, message)
}

fn too_large(message: &str) -> (StatusCode, &'static str, String) {
    (StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message.to_owned())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Sets a header; a value that HTTP cannot carry is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// ETag and Last-Modified.
pub(super) fn validators(headers: &mut HeaderMap, etag: &str, modified: Timestamp) {
    use axum::http::header::{ETAG, LAST_MODIFIED};
    set(headers, ETAG, etag);
    set(headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified.system()));
}

/// What every answer has. The bytes of an object come from anyone, under an origin that may serve web pages too, so
/// a browser must neither guess their type nor run them.
pub(super) fn sign_off(response: &mut Response, request: &HeaderMap) {
    let version = request.get("x-ms-version").and_then(|value| value.to_str().ok());
    let version = version.filter(|v| v.len() == 10 && v.bytes().all(|b| b.is_ascii_digit() || b == b'-'));
    let client_id = request.get("x-ms-client-request-id").filter(|id| id.len() <= 1024).cloned();
    let headers = response.headers_mut();
    set(headers, HeaderName::from_static("x-ms-request-id"), &Uuid::new_v4().to_string());
    set(headers, HeaderName::from_static("x-ms-version"), version.unwrap_or(VERSION));
    if let Some(id) = client_id {
        headers.insert("x-ms-client-request-id", id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
}
