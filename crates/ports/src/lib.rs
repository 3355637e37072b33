//! Ports: the traits behind which engines stand, and the one contract suite that every engine of a port
//! passes (feature `contract`). Roles see these traits only; the binary chooses the engines.
#![forbid(unsafe_code)]

pub mod blob;
pub mod budget;
pub mod bus;
pub mod cache;
pub mod index;

#[cfg(feature = "contract")]
pub mod contract;
