//! The tables of this role, behind methods that take the shard key.

mod cached;
mod garbage;
mod owner_songs;
mod songs;

pub(crate) use garbage::{GarbageBin, Rubbish};
pub(crate) use owner_songs::{Entry, OwnerSongs, Page};
pub(crate) use songs::Songs;
