//! The playlist role: playlists with their items and people, and each listener's likes and history.
//!
//! It owns the tables whose names begin with `playlist`, `user_playlists`, and those of the listener's library. Every change of a
//! playlist is a compare-and-set on its version, with the matching fact in the same transaction. What songs are, and who sees
//! them, it asks of the song role, in the name of the caller; which account an e-mail address belongs to, of identity.
//! It must not know an engine or another role's tables.
#![forbid(unsafe_code)]

mod access;
mod add;
mod answer;
mod config;
mod consume;
mod create;
mod edit;
mod entity;
mod error;
mod export;
mod fact;
mod field;
mod file;
mod follow;
mod import;
mod invite;
mod items;
mod library;
mod list;
mod migration;
mod order;
mod peer;
mod people;
mod place;
mod read;
mod record;
mod remeasure;
mod repository;
mod role;
mod scan;
mod service;
mod sweep;
mod watch;

#[cfg(test)]
mod tests;

pub use config::PlaylistConfig;
pub use error::Error;
pub use library::{LibraryApi, LibraryConfig};
pub use role::{Deps, Playlists};
pub use service::PlaylistApi;
