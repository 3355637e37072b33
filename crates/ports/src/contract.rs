//! One suite per port. An engine's tests call it with a fresh engine; what holds for one engine holds for all.

pub mod blob;
pub mod bus;
pub mod cache;
pub mod index;
