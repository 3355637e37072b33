//! What every server has: reflection, health, and pages for machines.

use crate::{
    rig::{Behind, IDENTITY, Rig, SONG},
    web::send,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use std::{sync::atomic::Ordering, time::Duration};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

#[tokio::test]
async fn reflection_lists_and_describes_what_is_routed() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let rig = Rig::start(Behind::Local).await;
    let ask = async |question: MessageRequest| {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        let mut client = ServerReflectionClient::new(rig.channel().await);
        let mut answers =
            client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
        answers.message().await.unwrap().unwrap().message_response.unwrap()
    };
    let MessageResponse::ListServicesResponse(list) = ask(MessageRequest::ListServices(String::new())).await
    else {
        panic!("not a list");
    };
    let names: Vec<_> = list.service.iter().map(|s| s.name.as_str()).collect();
    assert!(
        names.contains(&SONG) && names.contains(&IDENTITY) && names.contains(&"grpc.health.v1.Health"),
        "{names:?}"
    );
    assert!(!names.contains(&"segue.encoder.v1.EncoderService"), "not routed: {names:?}");
    let symbol = MessageRequest::FileContainingSymbol(format!("{SONG}.GetSong"));
    assert!(
        matches!(ask(symbol).await, MessageResponse::FileDescriptorResponse(f) if !f.file_descriptor_proto.is_empty())
    );
}

#[tokio::test]
async fn the_older_reflection_is_there_for_older_tools() {
    use tonic_reflection::pb::v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest,
    };
    let rig = Rig::start(Behind::Local).await;
    let question = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request: question };
    let mut client = ServerReflectionClient::new(rig.channel().await);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

#[tokio::test]
async fn health_follows_readiness() {
    let rig = Rig::start(Behind::Local).await;
    let mut health = HealthClient::new(rig.channel().await);
    let ask = |service: &str| HealthCheckRequest { service: service.into() };
    for service in ["", SONG, IDENTITY] {
        assert_eq!(health.check(ask(service)).await.unwrap().into_inner().status, 1, "{service}");
    }
    assert_eq!(health.check(ask("nobody")).await.unwrap_err().code(), Code::NotFound);
    let mut watch = health.watch(ask("")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    rig.store_ready.store(false, Ordering::SeqCst);
    assert_eq!(health.check(ask(SONG)).await.unwrap().into_inner().status, 2);
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2);
    rig.store_ready.store(true, Ordering::SeqCst);
    let back = tokio::time::timeout(Duration::from_secs(5), watch.message())
        .await
        .expect("told without being asked");
    assert_eq!(back.unwrap().unwrap().status, 1);
}

async fn page(rig: &Rig, path: &str) -> (StatusCode, http::HeaderMap, String) {
    let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
    let (parts, body) = send(rig.address, request).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn pages_for_machines() {
    let rig = Rig::start(Behind::Local).await;
    assert_eq!(page(&rig, "/livez").await.0, StatusCode::OK);
    let (code, _, lines) = page(&rig, "/readyz").await;
    assert_eq!((code, lines.as_str()), (StatusCode::OK, "ok store\nok bus\n"));
    rig.store_ready.store(false, Ordering::SeqCst);
    let (code, _, lines) = page(&rig, "/readyz").await;
    assert_eq!((code, lines.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready store\nok bus\n"));
    assert_eq!(page(&rig, "/livez").await.0, StatusCode::OK);
    assert_eq!(page(&rig, "/metrics").await.2, "segue_up 1\n");
    let (code, _, welcome) = page(&rig, "/").await;
    assert!(code == StatusCode::OK && welcome.contains("gRPC"));
}

#[tokio::test]
async fn keys_are_cached_and_outlive_identity() {
    let mut rig = Rig::start(Behind::Remote).await;
    for _ in 0..3 {
        let (code, headers, keys) = page(&rig, "/.well-known/jwks.json").await;
        assert_eq!((code, keys.as_str()), (StatusCode::OK, r#"{"keys":[]}"#));
        assert_eq!(headers["cache-control"], "public, max-age=300");
        assert_eq!(headers["content-type"], "application/json");
    }
    assert_eq!(rig.backend.calls(), 1);
    rig.kill_services();
    assert_eq!(page(&rig, "/.well-known/jwks.json").await.0, StatusCode::OK);
}

#[tokio::test]
async fn keys_that_were_never_known_are_unavailable() {
    let mut rig = Rig::start(Behind::Remote).await;
    rig.kill_services();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (code, headers, _) = page(&rig, "/.well-known/jwks.json").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers["retry-after"], "1");
}
