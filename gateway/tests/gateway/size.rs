//! Messages that are too long, and bytes that are no messages.

use crate::rig::{BOTH, Behind, Rig};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use segue_proto::song::v1::BatchGetSongsRequest;
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const MIB: usize = 1 << 20;

type Unfinished = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn request(address: SocketAddr, content_type: &str, body: Unfinished) -> Request<Unfinished> {
    Request::post(format!("http://{address}/segue.song.v1.SongService/BatchGetSongs"))
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

async fn http2(address: SocketAddr, body: Unfinished) -> Status {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let answer = client.send_request(request(address, "application/grpc", body)).await.unwrap();
    status(answer).await
}

async fn status(answer: Response<Incoming>) -> Status {
    let (parts, body) = answer.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    Status::from_header_map(&parts.headers).or_else(|| Status::from_header_map(&trailers)).expect("a status")
}

/// A header that announces `length` bytes, and then bytes for as long as someone takes them.
fn huge(flag: u8, length: u32) -> (Unfinished, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let head = Bytes::from([&[flag][..], &length.to_be_bytes()].concat());
    let chunk = Bytes::from(vec![0_u8; 16 << 10]);
    let chunks = length as usize / chunk.len();
    let rest = futures::stream::repeat_with(move || {
        count.fetch_add(chunk.len(), Ordering::SeqCst);
        chunk.clone()
    });
    let all =
        futures::StreamExt::chain(futures::stream::iter([head]), futures::StreamExt::take(rest, chunks));
    let frames = futures::StreamExt::map(all, |b| Ok(Frame::data(b)));
    (StreamBody::new(frames).boxed(), taken)
}

#[tokio::test]
async fn a_hundred_megabytes_are_cut_off_at_once() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        for flag in [0, 1] {
            let (body, taken) = huge(flag, 100 << 20);
            let begin = Instant::now();
            let error = http2(rig.address, body).await;
            assert_eq!(error.code(), Code::ResourceExhausted, "{behind:?} {error:?}");
            assert_eq!(error.get_details_error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
            assert!(error.message().contains("104857600 bytes, and at most 4194304"), "{}", error.message());
            assert!(
                taken.load(Ordering::SeqCst) <= 4 * MIB,
                "{} bytes were taken",
                taken.load(Ordering::SeqCst)
            );
            assert!(begin.elapsed() < Duration::from_secs(5));
        }
        assert_eq!(rig.backend.calls(), 0);
    }
}

#[tokio::test]
async fn an_ordinary_client_reads_the_refusal_of_its_huge_message() {
    let rig = Rig::start(Behind::Local).await;
    let mut songs = rig.songs().await;
    let huge = BatchGetSongsRequest { song_ids: vec!["x".repeat(100 * MIB)] };
    let error = songs.batch_get_songs(huge).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error:?}");
    assert_eq!(error.get_details_error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
    let small = BatchGetSongsRequest { song_ids: vec!["x".into()] };
    assert_eq!(
        songs.batch_get_songs(small).await.unwrap().into_inner().songs.len(),
        1,
        "the connection lives on"
    );
}

#[tokio::test]
async fn what_is_just_allowed_passes() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        // Tag, length of four bytes, text.
        let fits = BatchGetSongsRequest { song_ids: vec!["x".repeat(4 * MIB - 5)] };
        assert_eq!(prost::Message::encoded_len(&fits), 4 * MIB);
        let answer = rig.songs().await.batch_get_songs(fits).await.unwrap();
        assert_eq!(answer.into_inner().songs.len(), 1);
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_invalid() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        for (bytes, sentence) in [
            (vec![], "has no message"),
            (vec![0, 0, 0], "ends in the middle"),
            (vec![0, 0, 0, 0, 9, 1], "ends in the middle"),
            (vec![77, 0, 0, 0, 0], "does not consist of gRPC messages"),
            (vec![0; 10], "more than one message"),
        ] {
            let error = http2(rig.address, Full::new(Bytes::from(bytes.clone())).boxed()).await;
            assert_eq!(error.code(), Code::InvalidArgument, "{behind:?} {bytes:?} {error:?}");
            assert!(error.message().contains(sentence), "{}", error.message());
        }
        assert_eq!(rig.backend.calls(), 0);
    }
}

#[tokio::test]
async fn grpc_web_is_cut_off_as_well() {
    let rig = Rig::start(Behind::Local).await;
    let (body, taken) = huge(0, 100 << 20);
    let io = TokioIo::new(TcpStream::connect(rig.address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut request = request(rig.address, "application/grpc-web+proto", body);
    *request.uri_mut() = request.uri().path().parse().unwrap();
    request.headers_mut().insert("host", rig.address.to_string().parse().unwrap());
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::ResourceExhausted);
    // What both ends' sockets hold counts as taken.
    assert!(taken.load(Ordering::SeqCst) <= 16 * MIB, "{} bytes were taken", taken.load(Ordering::SeqCst));
}
