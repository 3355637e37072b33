//! The tables of this role, behind methods that take the shard key.

mod cached;
mod change;
pub(crate) mod items;
mod pages;
mod people;
mod playlists;
mod requests;
mod user_lists;

pub(crate) use change::{Change, Draft, Outcome};
pub(crate) use pages::{ItemPage, ItemPages};
pub(crate) use people::Invitation;
pub(crate) use playlists::PlaylistTable;
pub(crate) use requests::Answered;
pub(crate) use user_lists::{Entry, Filter, Relation, UserLists};
