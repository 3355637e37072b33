//! Calling any method with bytes.

use crate::{callers::Caller, stage::Stage};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, Value};
use segue_proto::policy::v1::Access;
use std::{collections::BTreeMap, time::Duration};
use tonic::{
    Code, Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_types::StatusExt;

/// A method of a contract.
pub(crate) struct Method {
    /// `/segue.song.v1.SongService/GetSong`.
    path: PathAndQuery,
    pub(crate) access: Access,
    streaming: bool,
}

/// Every method of every contract, by `SongService/GetSong`.
pub(crate) fn methods() -> BTreeMap<String, Method> {
    let pool = DescriptorPool::decode(segue_proto::FILE_DESCRIPTOR_SET).unwrap();
    let policy = pool.get_extension_by_name("segue.policy.v1.policy").unwrap();
    let mut found = BTreeMap::new();
    for service in pool.services().filter(|s| s.full_name().starts_with("segue.")) {
        for method in service.methods() {
            let options = method.options();
            let Value::Message(policy) = options.get_extension(&policy).into_owned() else {
                panic!("{} has no policy", method.full_name())
            };
            let access = policy.get_field_by_name("access").and_then(|v| v.as_enum_number()).unwrap();
            let name = method.name().to_owned();
            let path = format!("/{}/{name}", service.full_name());
            let method = Method {
                path: path.parse().unwrap(),
                access: access.try_into().unwrap(),
                streaming: method.is_server_streaming(),
            };
            found.insert(format!("{}/{name}", service.name()), method);
        }
    }
    found
}

/// What came back.
pub(crate) struct Answered {
    /// As the table has it.
    pub(crate) word: &'static str,
    pub(crate) message: String,
}

/// Calls a method, of a stream as far as its first message. A caller who is told to ask later does.
pub(crate) async fn send(stage: &Stage, method: &Method, caller: Caller, request: Vec<u8>) -> Answered {
    loop {
        let result = once(stage, method, caller, request.clone()).await;
        let Err(status) = result else { return Answered { word: "ok", message: String::new() } };
        let later = status.get_details_retry_info().and_then(|info| info.retry_delay);
        if let (Code::ResourceExhausted, Some(wait)) = (status.code(), later) {
            tokio::time::sleep(wait.max(Duration::from_millis(50))).await;
            continue;
        }
        return Answered {
            word: word(status.code()),
            message: format!("{:?}: {}", status.code(), status.message()),
        };
    }
}

async fn once(stage: &Stage, method: &Method, caller: Caller, request: Vec<u8>) -> Result<(), Status> {
    let mut request = Request::new(Bytes::from(request));
    request.set_timeout(Duration::from_secs(20));
    // The session that signs out is gone for good.
    let fresh = method.path.path().ends_with("/SignOut");
    if let Some(token) = stage.token(caller, fresh).await {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let mut client = tonic::client::Grpc::new(stage.channel());
    client.ready().await.unwrap();
    if !method.streaming {
        return client.unary(request, method.path.clone(), Raw).await.map(drop);
    }
    let mut said = client.server_streaming(request, method.path.clone(), Raw).await?.into_inner();
    said.message().await.map(drop)
}

/// The word of the table for a code.
fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::NotFound => "absent",
        Code::PermissionDenied => "denied",
        Code::Unauthenticated => "signin",
        Code::Unimplemented => "unknown",
        Code::FailedPrecondition => "state",
        Code::InvalidArgument => "invalid",
        _ => "other",
    }
}

/// Messages as the bytes that they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
