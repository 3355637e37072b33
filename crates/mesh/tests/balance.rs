//! Calls to several servers of which some are away, draining or failing.

use axum::{Router, extract::Request, response::Response};
use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Full};
use segue_mesh::{Channel, ListenConfig, Policies, serve};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::ServiceExt;

/// NO_SIDE_EFFECTS in its contract, and not.
const READ: &str = "/segue.song.v1.SongService/GetSong";
const WRITE: &str = "/segue.song.v1.SongService/CreateSong";

struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    health: HealthReporter,
    stop: CancellationToken,
}

impl Server {
    /// Answers every call with a status.
    async fn start(code: &'static str) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let (health, service) = tonic_health::server::health_reporter();
        let answer = move |request: Request| {
            let counted = Arc::clone(&counted);
            async move {
                let sent = request.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(&sent[..], b"message", "a repeat sends all of it");
                counted.fetch_add(1, Ordering::SeqCst);
                let response = Response::builder().header("content-type", "application/grpc");
                response.header("grpc-status", code).body(axum::body::Body::empty()).unwrap()
            }
        };
        let router: Router =
            Routes::new(service).prepare().into_axum_router().reset_fallback().fallback(answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(
            listener,
            router,
            ListenConfig { grace_ms: 0, ..Default::default() },
            stop.clone(),
        ));
        Self { address, calls, health, stop }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// An address on which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn channel(addresses: &[SocketAddr]) -> Channel {
    let targets = addresses.iter().map(|a| format!("http://{a}").parse::<Uri>().unwrap()).collect();
    Channel::remote(targets, Arc::new(Policies::segue().unwrap()))
}

/// The gRPC code of one call, or that nobody answered.
async fn call(channel: &Channel, path: &str) -> String {
    let request = http::Request::post(path).header("content-type", "application/grpc");
    let request = request.body(Body::new(Full::new(Bytes::from_static(b"message")))).unwrap();
    match channel.clone().oneshot(request).await {
        Ok(response) => response.headers()["grpc-status"].to_str().unwrap().to_owned(),
        Err(error) => format!("{:?}", error.downcast_ref::<tonic::Status>().expect("a status").code()),
    }
}

#[tokio::test]
async fn calls_are_spread_and_a_dead_server_costs_nobody_a_call() {
    let (a, b) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[a.address, nobody().await, b.address]);
    for path in [WRITE, READ].repeat(15) {
        assert_eq!(call(&channel, path).await, "0");
    }
    assert_eq!(a.calls() + b.calls(), 30);
    assert!(a.calls().abs_diff(b.calls()) <= 6, "{} and {}", a.calls(), b.calls());
}

#[tokio::test]
async fn a_server_that_dies_is_left_within_a_second_and_found_again() {
    let (a, b) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[a.address, b.address]);
    call(&channel, READ).await;
    call(&channel, READ).await;
    a.stop.cancel();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = b.calls();
    for _ in 0..10 {
        assert_eq!(call(&channel, READ).await, "0");
    }
    assert_eq!(b.calls() - before, 10);
    // Another one takes its place.
    let listener = TcpListener::bind(a.address).await.unwrap();
    let (_, service) = tonic_health::server::health_reporter();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let router = Routes::new(service).prepare().into_axum_router().reset_fallback().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Response::builder().header("grpc-status", "0").body(axum::body::Body::empty()).unwrap() }
    });
    tokio::spawn(serve(listener, router, ListenConfig::default(), CancellationToken::new()));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    for _ in 0..4 {
        call(&channel, READ).await;
    }
    assert!(hits.load(Ordering::SeqCst) > 0, "it gets calls again");
}

#[tokio::test]
async fn a_server_that_drains_gets_no_calls() {
    let (a, b) = (Server::start("0").await, Server::start("0").await);
    let channel = channel(&[a.address, b.address]);
    a.health.set_service_status("", ServingStatus::NotServing).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    let before = a.calls();
    for _ in 0..6 {
        assert_eq!(call(&channel, WRITE).await, "0");
    }
    assert_eq!(a.calls(), before);
}

#[tokio::test]
async fn unavailable_is_tried_elsewhere_only_when_a_repeat_is_safe() {
    let (bad, good) = (Server::start("14").await, Server::start("0").await);
    let both = [bad.address, good.address];
    let reads = channel(&both);
    for _ in 0..2 {
        assert_eq!(call(&reads, READ).await, "0");
    }
    assert_eq!(good.calls(), 2);
    let before = bad.calls() + good.calls();
    let writes = channel(&both);
    let answers = [call(&writes, WRITE).await, call(&writes, WRITE).await];
    assert!(answers.contains(&"14".to_owned()), "a write is done once: {answers:?}");
    assert_eq!(bad.calls() + good.calls() - before, 2);
}

#[tokio::test]
async fn when_nobody_answers_the_call_ends_unavailable() {
    let channel = channel(&[nobody().await, nobody().await]);
    assert_eq!(call(&channel, READ).await, "Unavailable");
    assert_eq!(call(&self::channel(&[]), READ).await, "Unavailable");
}

#[tokio::test]
async fn a_storm_of_failures_is_not_multiplied() {
    let (a, b) = (Server::start("14").await, Server::start("14").await);
    let channel = channel(&[a.address, b.address]);
    for _ in 0..500 {
        assert_eq!(call(&channel, READ).await, "14");
    }
    let sent = a.calls() + b.calls();
    assert!(sent <= 650, "{sent} calls for 500: at most a fifth more, and the floor");
}
