//! gRPC-Web as browsers speak it, over HTTP/1.1, and CORS.

use crate::rig::{Behind, Rig, token};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use prost::Message;
use segue_gateway::GatewayConfig;
use segue_proto::song::v1::{GetSongRequest, GetSongResponse, WatchSongRequest, WatchSongResponse};
use std::net::SocketAddr;
use tokio::net::TcpStream;

const GET: &str = "/segue.song.v1.SongService/GetSong";
const WATCH: &str = "/segue.song.v1.SongService/WatchSong";

pub(crate) async fn send(address: SocketAddr, mut request: Request<Full<Bytes>>) -> Response<Incoming> {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    if !request.headers().contains_key("host") {
        request.headers_mut().insert("host", address.to_string().parse().unwrap());
    }
    client.send_request(request).await.unwrap()
}

fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    [&[0], &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat()
}

fn post(path: &str, content_type: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("content-type", content_type)
        .header("origin", "https://player.example")
        .header("x-grpc-web", "1")
        .body(Full::new(body.into()))
        .unwrap()
}

/// Messages, and the trailers that end the body.
fn parse(mut bytes: &[u8]) -> (Vec<Vec<u8>>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while !bytes.is_empty() {
        let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        let content = bytes[5..5 + length].to_vec();
        match bytes[0] {
            0x80 => trailers = String::from_utf8(content).unwrap(),
            0 => messages.push(content),
            flag => panic!("flag {flag}"),
        }
        bytes = &bytes[5 + length..];
    }
    (messages, trailers)
}

/// The base64 of one frame after the other, each padded for itself.
fn from_text(text: &[u8]) -> Vec<u8> {
    text.chunks(4).flat_map(|quad| STANDARD.decode(quad).unwrap()).collect()
}

#[tokio::test]
async fn binary_and_text_calls_pass_over_http_1() {
    for behind in [Behind::Local, Behind::Remote] {
        let rig = Rig::start(behind).await;
        let get = framed(&GetSongRequest { song_id: "one".into() });
        for (content_type, body) in [
            ("application/grpc-web", get.clone()),
            ("application/grpc-web+proto", get.clone()),
            ("application/grpc-web-text", STANDARD.encode(&get).into_bytes()),
            ("application/grpc-web-text+proto; charset=utf-8", STANDARD.encode(&get).into_bytes()),
        ] {
            let answer = send(rig.address, post(GET, content_type, body)).await;
            assert_eq!(answer.status(), StatusCode::OK, "{content_type}");
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_owned();
            for name in [
                "grpc-status",
                "grpc-message",
                "grpc-status-details-bin",
                "ratelimit-reset",
                "segue-consistency",
            ] {
                assert!(exposed.contains(name), "{name} in {exposed}");
            }
            let text =
                answer.headers()["content-type"].to_str().unwrap().starts_with("application/grpc-web-text");
            assert_eq!(text, content_type.contains("text"));
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            let (messages, trailers) = parse(&if text { from_text(&bytes) } else { bytes.to_vec() });
            let song = GetSongResponse::decode(&messages[0][..]).unwrap().song.unwrap();
            assert_eq!(song.song_id, "one");
            assert!(song.artists.contains(&format!("origin=http://{}", rig.address)));
            assert!(trailers.contains("grpc-status:0") || trailers.contains("grpc-status: 0"), "{trailers}");
        }
    }
}

#[tokio::test]
async fn streams_and_their_errors_pass_over_http_1() {
    for behind in [Behind::Local, Behind::Remote] {
        let rig = Rig::start(behind).await;
        for (id, count, code) in [("three", 3, "0"), ("fail", 2, "5")] {
            let body = framed(&WatchSongRequest { song_id: id.into() });
            let answer = send(rig.address, post(WATCH, "application/grpc-web+proto", body)).await;
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            let (messages, trailers) = parse(&bytes);
            let percents: Vec<_> =
                messages.iter().map(|m| WatchSongResponse::decode(&m[..]).unwrap().percent).collect();
            assert_eq!(percents, (0..count).collect::<Vec<_>>());
            assert!(trailers.replace(' ', "").contains(&format!("grpc-status:{code}")), "{trailers}");
            assert_eq!(trailers.contains("grpc-status-details-bin"), id == "fail", "{trailers}");
        }
    }
}

#[tokio::test]
async fn errors_and_broken_bytes_reach_a_browser() {
    let rig = Rig::start(Behind::Local).await;
    let missing = framed(&GetSongRequest { song_id: "missing".into() });
    for (body, content_type, code) in [
        (missing.clone(), "application/grpc-web", "5"),
        (b"***".to_vec(), "application/grpc-web-text", "3"),
        (STANDARD.encode(&missing).into_bytes()[..7].to_vec(), "application/grpc-web-text", "3"),
        (missing[..9].to_vec(), "application/grpc-web", "3"),
    ] {
        let answer = send(rig.address, post(GET, content_type, body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["grpc-status"], code, "{content_type}");
        assert!(answer.headers().contains_key("grpc-status-details-bin"));
    }
}

fn preflight(origin: &str) -> Request<Full<Bytes>> {
    Request::options(GET)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,grpc-timeout,x-grpc-web")
        .body(Full::default())
        .unwrap()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |v| v.to_str().unwrap())
}

#[tokio::test]
async fn preflights_are_answered_and_cached() {
    let rig = Rig::start(Behind::Local).await;
    let answer = send(rig.address, preflight("https://player.example")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(text(answer.headers(), "access-control-allow-origin"), "*");
    assert!(text(answer.headers(), "access-control-allow-methods").contains("POST"));
    assert!(text(answer.headers(), "access-control-allow-headers").contains("authorization"));
    assert_eq!(text(answer.headers(), "access-control-max-age"), "7200");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    assert_eq!(rig.backend.calls(), 0);

    let config =
        GatewayConfig { cors_origins: vec!["https://player.example".into()], ..GatewayConfig::default() };
    let rig = Rig::with(Behind::Local, config).await;
    let answer = send(rig.address, preflight("https://player.example")).await;
    assert_eq!(text(answer.headers(), "access-control-allow-origin"), "https://player.example");
    let answer = send(rig.address, preflight("https://other.example")).await;
    assert_eq!(text(answer.headers(), "access-control-allow-origin"), "");
}

#[tokio::test]
async fn mistakes_get_a_sentence() {
    let rig = Rig::start(Behind::Local).await;
    let get = framed(&GetSongRequest { song_id: "one".into() });
    let long = format!("/{}", "a".repeat(2000));
    let plain =
        |method: &str, path: &str| Request::builder().method(method).uri(path).body(Full::default()).unwrap();
    for (request, code) in [
        (post(GET, "application/json", get.clone()), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (post(GET, "application/grpc-web+json", get.clone()), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (plain("POST", GET), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (plain("GET", GET), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (plain("GET", "/nothing/here"), StatusCode::NOT_FOUND),
        (plain("GET", &long), StatusCode::BAD_REQUEST),
        (post(GET, "application/grpc", get.clone()), StatusCode::HTTP_VERSION_NOT_SUPPORTED),
    ] {
        let what = format!("{} {:.60}", request.method(), request.uri());
        let answer = send(rig.address, request).await;
        assert_eq!(answer.status(), code, "{what}");
        let sentence = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(sentence.len() > 20, "{what}: {sentence:?}");
    }
    let mut wrong = post(GET, "application/grpc-web", get);
    *wrong.method_mut() = http::Method::PUT;
    wrong.headers_mut().insert("authorization", format!("Bearer {}", token()).parse().unwrap());
    let answer = send(rig.address, wrong).await;
    assert_eq!((answer.status(), text(answer.headers(), "allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(rig.backend.calls(), 0);
}
