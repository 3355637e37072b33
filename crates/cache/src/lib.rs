//! Engines of the cache port: [`Tiered`] keeps what was read lately in this process and, when it is given a
//! [`Redis`], in one that processes share. `Redis` is also the engine of the port of shared budgets.
//!
//! The policy (what is fresh, who loads, what is stored) is in one place, `region`, for both worlds; a second tier
//! only makes some loads unnecessary. Nothing here knows what is cached, and no failure of Redis gets out.
#![forbid(unsafe_code)]

mod config;
mod entry;
mod error;
mod fill;
mod flight;
mod floor;
mod hearing;
mod lock;
mod meter;
mod near;
mod redis;
mod region;
mod tiered;

pub use config::{CacheConfig, RedisConfig, RedisUrl};
pub use error::Error;
pub use redis::Redis;
pub use tiered::Tiered;
