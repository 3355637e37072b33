//! The playlist role: playlists with their items and people, and each listener's likes and history.
//!
//! It owns the tables whose names begin with `playlist`, `user_playlists`, and those of the listener's library. Every change of a
//! playlist is a compare-and-set on its version, with the matching fact in the same transaction. What songs are, and who sees
//! them, it asks of the song role, in the name of the caller; which account an e-mail address belongs to, of identity.
//! It must not know an engine or another role's tables.
#![forbid(unsafe_code)]

mod config;
mod consume;
mod error;
mod fact;
mod library;
mod migration;
mod peer;
mod record;
mod role;

pub use config::PlaylistConfig;
pub use error::Error;
pub use role::{Deps, Playlists};
