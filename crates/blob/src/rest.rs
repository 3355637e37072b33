//! The engine over HTTP, in the words of Azure's Blob service REST API.

mod answer;
mod block_list;
mod receive;
mod request;
mod serve_read;
mod serve_write;

use crate::directory::Directory;
use answer::{Failure, Refusal};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use http_body_util::BodyExt;
use request::{Call, Operation};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// How much of a refused body is read so that the client gets to see the answer, and for how long.
const DRAIN_BYTES: u64 = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The routes of `directory`.
pub(crate) fn router(directory: Directory) -> Router {
    let path = format!("/{}/{}/{{*object}}", directory.signer().account, directory.signer().container);
    Router::new().route(&path, any(serve)).with_state(directory).layer(cors())
}

/// Any origin may call: what counts is the SAS in the URL.
fn cors() -> CorsLayer {
    use axum::http::{HeaderName, Method, header};
    let ours = [
        "content-md5",
        "x-ms-blob-content-md5",
        "x-ms-blob-type",
        "x-ms-client-request-id",
        "x-ms-content-crc64",
        "x-ms-error-code",
        "x-ms-request-id",
        "x-ms-version",
    ];
    let exposed = [
        header::ACCEPT_RANGES,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::DATE,
        header::ETAG,
        header::LAST_MODIFIED,
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.into_iter().chain(ours.map(HeaderName::from_static)).collect::<Vec<_>>())
        .max_age(Duration::from_secs(86_400))
}

async fn serve(State(directory): State<Directory>, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    let answered = answer_call(&directory, &head, &mut body).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(failure) => {
            // A client that waits for "100 Continue" has sent nothing, and must not be told to.
            if !head.headers.contains_key("expect") {
                drain(body).await;
            }
            failure.into_response(&head.method)
        }
    };
    answer::sign_off(&mut response, &head.headers);
    response
}

async fn answer_call(
    directory: &Directory,
    head: &axum::http::request::Parts,
    body: &mut Body,
) -> Result<Response, Failure> {
    let call = Call::read(directory, head)?;
    let granted = call.authorize(directory)?;
    let need = |letters: &str| match granted.allows(letters) {
        true => Ok(()),
        false => Err(Failure::from(Refusal::Permission)),
    };
    let limit = granted.max_bytes.unwrap_or(directory.max_object_bytes());
    let create_only = !granted.allows("w");
    match &call.operation {
        Operation::PutBlock(id) => {
            need("cw")?;
            serve_write::put_block(directory, &call, id.clone(), limit, body).await
        }
        Operation::PutBlockList => {
            need("cw")?;
            serve_write::put_block_list(directory, &call, limit, create_only, body).await
        }
        Operation::PutBlob => {
            need("cw")?;
            serve_write::put_blob(directory, &call, limit, create_only, body).await
        }
        Operation::Delete => {
            need("d")?;
            serve_write::delete(directory, &call).await
        }
        Operation::Get => {
            need("r")?;
            serve_read::get(directory, &call).await
        }
        Operation::Head => {
            need("r")?;
            serve_read::head(directory, &call).await
        }
        Operation::GetBlockList { committed, uncommitted } => {
            need("r")?;
            serve_read::block_list(directory, &call, *committed, *uncommitted).await
        }
    }
}

/// Reads on for a while and forgets it: a connection closed in the face of a client that is still sending looks
/// like a broken network to it, and hides the answer.
async fn drain(mut body: Body) {
    let read = async {
        let mut seen = 0;
        while seen < DRAIN_BYTES {
            match body.frame().await {
                Some(Ok(frame)) => seen += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) | None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}
