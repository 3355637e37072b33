//! Policies of methods, read from the descriptor set: who may call, what it costs, whether a repeat is safe.

use prost_reflect::{DescriptorPool, Value};
use segue_proto::policy::v1::{Access, Bucket};
use std::collections::HashMap;

/// The policy of one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodPolicy {
    /// Who may call.
    pub access: Access,
    /// Which budget the call draws on.
    pub bucket: Bucket,
    /// What one call costs, at least 1.
    pub cost: u32,
    /// A repeat changes nothing (`idempotency_level`), so the call may be retried.
    pub repeatable: bool,
    /// The server answers with a stream.
    pub streaming: bool,
}

/// A contract that cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The descriptor set cannot be read.
    #[error("descriptor set cannot be read: {0}")]
    Descriptor(String),
    /// A method says nothing about who may call it.
    #[error("method {0} has no policy; add option (segue.policy.v1.policy)")]
    Missing(String),
}

/// Policies by path: `/segue.song.v1.SongService/GetSong`.
#[derive(Debug, Clone)]
pub struct Policies {
    methods: HashMap<String, MethodPolicy>,
    services: Vec<String>,
}

impl Policies {
    /// The policies of Segue's own contracts.
    pub fn segue() -> Result<Self, PolicyError> {
        Self::read(segue_proto::FILE_DESCRIPTOR_SET)
    }

    /// Reads an encoded descriptor set. Every method of a `segue.` service must have a policy.
    pub fn read(descriptor_set: &[u8]) -> Result<Self, PolicyError> {
        let pool =
            DescriptorPool::decode(descriptor_set).map_err(|e| PolicyError::Descriptor(e.to_string()))?;
        let extension = pool
            .get_extension_by_name("segue.policy.v1.policy")
            .ok_or_else(|| PolicyError::Descriptor("segue.policy.v1.policy is not defined".into()))?;
        let mut methods = HashMap::new();
        let mut services = Vec::new();
        for service in pool.services().filter(|s| s.full_name().starts_with("segue.")) {
            services.push(service.full_name().to_owned());
            for method in service.methods() {
                let options = method.options();
                let path = format!("/{}/{}", service.full_name(), method.name());
                let value = options.get_extension(&extension).into_owned();
                let Value::Message(policy) = value else { return Err(PolicyError::Missing(path)) };
                let number =
                    |name: &str| policy.get_field_by_name(name).and_then(|v| v.as_enum_number()).unwrap_or(0);
                let access = Access::try_from(number("access")).unwrap_or(Access::Unspecified);
                if access == Access::Unspecified {
                    return Err(PolicyError::Missing(path));
                }
                let level = options.get_field_by_name("idempotency_level").and_then(|v| v.as_enum_number());
                let cost = policy.get_field_by_name("cost").and_then(|v| v.as_u32()).unwrap_or(0);
                methods.insert(
                    path,
                    MethodPolicy {
                        access,
                        bucket: Bucket::try_from(number("bucket")).unwrap_or(Bucket::Read),
                        cost: cost.max(1),
                        repeatable: matches!(level, Some(1 | 2)),
                        streaming: method.is_server_streaming(),
                    },
                );
            }
        }
        Ok(Self { methods, services })
    }

    /// The policy of a path; `None` when there is no such method.
    pub fn get(&self, path: &str) -> Option<&MethodPolicy> {
        self.methods.get(path)
    }

    /// Full names of the services.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Every path with its policy.
    pub fn methods(&self) -> impl Iterator<Item = (&str, &MethodPolicy)> {
        self.methods.iter().map(|(path, policy)| (path.as_str(), policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_policy() {
        let policies = Policies::segue().unwrap();
        let get = policies.get("/segue.song.v1.SongService/GetSong").unwrap();
        assert_eq!((get.access, get.repeatable, get.streaming), (Access::Public, true, false));
        let create = policies.get("/segue.song.v1.SongService/CreateSong").unwrap();
        assert_eq!((create.access, create.bucket, create.repeatable), (Access::User, Bucket::Write, false));
        assert!(policies.get("/segue.song.v1.SongService/WatchSong").unwrap().streaming);
        let served = policies.services();
        assert!(served.contains(&"segue.playlist.v1.LibraryService".to_owned()), "{served:?}");
    }
}
