//! The engines of the cache, each by the suite of the port; and what only Redis can do wrong.

mod contract;
mod numbers;
mod redis;
mod rig;
