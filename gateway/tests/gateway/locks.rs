//! Who gets in.

use crate::rig::{BOTH, Behind, Rig, auth, listen, signed, token};
use http::{Request, uri::PathAndQuery};
use segue_domain::SystemClock;
use segue_gateway::{Deps, Error, Gateway, GatewayConfig, Route};
use segue_mesh::{Channel, Door, Policies, RoleSigner};
use segue_proto::{
    identity::v1::GetMeRequest,
    song::v1::{GetSongRequest, GetSongResponse},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, transport};
use tonic_types::StatusExt;

#[tokio::test]
async fn a_user_method_needs_a_good_token() {
    for behind in BOTH {
        let rig = Rig::start(behind).await;
        let mut identity = rig.identity().await;
        let error = identity.get_me(GetMeRequest {}).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated);
        assert_eq!(error.get_details_error_info().unwrap().reason, "TOKEN_REQUIRED");
        let good = token();
        for bad in ["garbage", "a.b.c", &good[..good.len() - 3]] {
            let error = identity.get_me(signed(GetMeRequest {}, bad)).await.unwrap_err();
            assert_eq!(error.code(), Code::Unauthenticated, "{bad}");
            assert_eq!(error.get_details_error_info().unwrap().reason, "TOKEN_INVALID");
        }
        // A bad token is refused where none would do, or a client would not notice that it is signed out.
        let get = GetSongRequest { song_id: "one".into() };
        let error = rig.songs().await.get_song(signed(get, "garbage")).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated);
        assert_eq!(rig.backend.calls(), 0, "nothing was forwarded");
        identity.get_me(signed(GetMeRequest {}, &good)).await.unwrap();
    }
}

#[tokio::test]
async fn a_roles_token_opens_nothing_here() {
    let rig = Rig::start(Behind::Local).await;
    let signer = RoleSigner::new("song", [1; 32], "segue", Arc::new(SystemClock));
    let error =
        rig.identity().await.get_me(signed(GetMeRequest {}, &signer.token().unwrap())).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(rig.backend.calls(), 0);
}

async fn call(channel: transport::Channel, path: &'static str) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<GetSongRequest, GetSongResponse>::default();
    let request = tonic::Request::new(GetSongRequest { song_id: "one".into() });
    grpc.unary(request, PathAndQuery::from_static(path), codec).await.map(|_| ())
}

#[tokio::test]
async fn what_is_in_no_contract_is_not_forwarded() {
    let rig = Rig::start(Behind::Remote).await;
    for path in [
        "/segue.song.v1.SongService/Nothing",
        "/segue.none.v1.NoneService/GetSong",
        "/segue.encoder.v1.EncoderService/GetEncoding",
        "/segue.song.v1.SongService/GetSong/",
        "/segue.song.v1.SongService//GetSong",
        "/segue.song.v1.SongService/%47etSong",
        "/x",
    ] {
        let error = call(rig.channel().await, path).await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented, "{path}");
        assert!(error.message().contains("reflection"), "{}", error.message());
        assert_eq!(error.get_details_error_info().unwrap().reason, "METHOD_UNKNOWN");
    }
    assert_eq!(rig.backend.calls(), 0);
}

#[tokio::test]
async fn methods_for_roles_do_not_exist_outside() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler =
        protox::Compiler::new([here.join("tests/gateway/proto"), here.join("../proto")]).unwrap();
    compiler.include_imports(true).open_file("test.proto").unwrap();
    let policies = Policies::read(&compiler.encode_file_descriptor_set()).unwrap();

    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = axum::Router::new().fallback(async move |_: Request<axum::body::Body>| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut answer = axum::response::Response::new(axum::body::Body::empty());
        answer.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        answer.headers_mut().insert("grpc-status", "5".parse().unwrap());
        answer
    });
    let channel = Channel::local(service);
    let deps = |service: &str| Deps {
        auth: auth(policies.clone(), Door::Public),
        routes: vec![Route { service: service.into(), channel: channel.clone() }],
        budgets: None,
        identity: channel.clone(),
        metrics: Arc::new(String::new),
        ready: Arc::new(Vec::new),
    };
    assert!(matches!(
        Gateway::new(GatewayConfig::default(), deps("segue.test.v1.Typo")),
        Err(Error::Route { .. })
    ));

    let stop = CancellationToken::new();
    let gateway = Gateway::new(GatewayConfig::default(), deps("segue.test.v1.TestService")).unwrap();
    let address = listen(gateway.router(), stop.clone()).await;
    let client =
        transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let refused = async |path| call(client.clone(), path).await.unwrap_err().code();
    assert_eq!(refused("/segue.test.v1.TestService/ForRoles").await, Code::Unimplemented);
    assert_eq!(refused("/segue.test.v1.TestService/ForAdmins").await, Code::Unauthenticated);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(refused("/segue.test.v1.TestService/Open").await, Code::NotFound, "the service's own answer");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    stop.cancel();
}
