//! The search role: the query side of the index, and the consumer that keeps it in step with what the owners of
//! the data say.
//!
//! It owns the index and nothing else: no table is its own, and everything in the index can be made again from the
//! services that own it, but how popular songs are: that is kept from index to index, and said again as they are heard. It learns of changes by events, applies them by version, and so hears the same one twice or late
//! without harm. It must not know an engine or another role, and it decides nothing: whether a song plays and who may
//! see it is what the event says.
#![forbid(unsafe_code)]

mod config;
mod consume;
mod document;
mod error;
mod find;
mod fresh;
mod item;
mod queue;
mod rebuild;
mod role;
mod service;
mod sources;
mod suggest;
mod verify;

pub use config::SearchConfig;
pub use error::Error;
pub use role::{Deps, Search};
