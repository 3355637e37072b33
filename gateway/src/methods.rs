//! What every path is and where it leads, read once from the contracts.

use crate::{Error, Route, meter::Meter, rate::Rates};
use http::Uri;
use prost::Message;
use segue_mesh::{Channel, MethodPolicy, Policies, PolicyError};
use segue_proto::policy::v1::{Access, Bucket};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A method that can be called here.
pub(crate) struct Method {
    pub(crate) policy: MethodPolicy,
    /// Takes exactly one message.
    pub(crate) single: bool,
    /// Its path without scheme and authority.
    pub(crate) uri: Uri,
    pub(crate) channel: Channel,
    pub(crate) meter: Arc<Meter>,
}

/// Methods by path.
pub(crate) struct Methods {
    by_path: HashMap<Box<str>, Method>,
    /// For calls of what is not there.
    pub(crate) unknown: Arc<Meter>,
}

/// Services that every gRPC server has: anyone may call them.
const COMMON: [(&str, bool, bool); 5] = [
    // path, one request, streamed answer
    ("/grpc.health.v1.Health/Check", true, false),
    ("/grpc.health.v1.Health/List", true, false),
    ("/grpc.health.v1.Health/Watch", true, true),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false, true),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false, true),
];

impl Methods {
    /// Methods of the routed services, but those that only roles may call: outside they do not exist.
    /// `common` serves health and reflection.
    pub(crate) fn new(
        policies: &Policies,
        routes: &[Route],
        common: &Channel,
        rates: &Rates,
    ) -> Result<Self, Error> {
        let mut channels: HashMap<&str, &Channel> = HashMap::new();
        for route in routes {
            let refuse = |reason| Err(Error::Route { service: route.service.clone(), reason });
            if !policies.services().contains(&route.service) {
                return refuse("no contract has this service");
            }
            if channels.insert(&route.service, &route.channel).is_some() {
                return refuse("it is routed twice");
            }
        }
        let streams_in = client_streaming()?;
        let mut by_path = HashMap::new();
        for (path, policy) in policies.methods() {
            let channel = path.split('/').nth(1).and_then(|service| channels.get(service));
            let Some(channel) = channel.filter(|_| policy.access != Access::Service) else { continue };
            rates.affords(policy)?;
            by_path.insert(path.into(), method(path, *policy, !streams_in.contains(path), channel)?);
        }
        for (path, single, streaming) in COMMON {
            let policy = MethodPolicy {
                access: Access::Public,
                bucket: Bucket::Read,
                cost: 1,
                repeatable: true,
                streaming,
            };
            by_path.insert(path.into(), method(path, policy, single, common)?);
        }
        Ok(Self { by_path, unknown: Meter::new("unknown") })
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Method> {
        self.by_path.get(path)
    }
}

fn method(path: &str, policy: MethodPolicy, single: bool, channel: &Channel) -> Result<Method, Error> {
    let uri = Uri::try_from(path).map_err(|e| PolicyError::Descriptor(format!("{path}: {e}")))?;
    Ok(Method {
        policy,
        single,
        uri,
        channel: channel.clone(),
        meter: Meter::new(path.trim_start_matches('/')),
    })
}

/// Paths of methods that take a stream.
fn client_streaming() -> Result<HashSet<String>, PolicyError> {
    let set = prost_types::FileDescriptorSet::decode(segue_proto::FILE_DESCRIPTOR_SET)
        .map_err(|e| PolicyError::Descriptor(e.to_string()))?;
    let mut paths = HashSet::new();
    for file in &set.file {
        for service in &file.service {
            for method in service.method.iter().filter(|m| m.client_streaming()) {
                paths.insert(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    Ok(paths)
}
