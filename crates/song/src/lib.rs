//! The song role: song metadata, upload sessions, grants to play and download, and the reaper of objects.
//!
//! It owns the tables `songs`, `owner_songs` and `garbage`, and those of albums and artists, and is the only one that changes
//! them; every change of a song, album or artist is a compare-and-set, with the matching fact in the same transaction. No audio
//! passes through it: it signs URLs and reads block lists and manifests. It must not know an engine, another role, or
//! how audio is encoded.
#![forbid(unsafe_code)]

mod access;
mod address;
mod albums;
mod answer;
mod artists;
mod block;
mod browse;
mod config;
mod consume;
mod create;
mod delete;
mod download;
mod edit;
mod entity;
mod error;
mod fact;
mod field;
mod fill;
mod heir;
mod list;
mod lyrics;
mod manifest;
mod matching;
mod migration;
mod place;
mod playback;
mod read;
mod reaper;
mod record;
mod release;
mod repository;
mod retry;
mod role;
mod scan;
mod scan_shelves;
mod service;
mod shelf;
mod transition;
mod upload;
mod watch;

#[cfg(test)]
mod tests;

pub use config::SongConfig;
pub use error::Error;
pub use role::{Deps, Song};
pub use service::SongApi;
