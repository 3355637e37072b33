//! The tables of this role, behind methods that take the shard key.

mod cached;
mod cached_shelves;
mod fillings;
mod garbage;
mod owner_songs;
mod places;
mod shelf_lists;
mod shelves;
mod songs;

pub(crate) use fillings::{Filling, Fillings};
pub(crate) use garbage::{GarbageBin, Rubbish};
pub(crate) use owner_songs::{By, Entry, Names, OwnerSongs, Page};
pub(crate) use places::{Place, Places};
pub(crate) use shelf_lists::{ByTitle, InOrder, ShelfLists};
pub(crate) use shelves::{Shelves, Standing};
pub(crate) use songs::Songs;
