//! The cache put together.

use crate::{CacheConfig, Error, Redis, config::Policy, near::Near, region};
use segue_domain::Clock;
use segue_ports::cache::{Cache, Origin, Region};
use std::sync::Arc;

/// This process's memory and, when it is given one, a Redis behind it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tiered {
    tiers: Arc<Tiers>,
}

/// What regions share.
#[derive(Debug)]
pub(crate) struct Tiers {
    pub(crate) near: Near,
    pub(crate) redis: Option<Redis>,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Tiered {
    /// The embedded engine when `redis` is `None`; else the one of a mesh.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn new(config: &CacheConfig, redis: Option<Redis>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let (policy, near) = (config.policy()?, Near::new(config.near_bytes));
        Ok(Self { tiers: Arc::new(Tiers { near, redis, policy, clock }) })
    }
}

impl Cache for Tiered {
    fn region(&self, origin: Arc<dyn Origin>) -> Arc<dyn Region> {
        Arc::new(region::Handle::new(self.tiers.clone(), origin))
    }
}
