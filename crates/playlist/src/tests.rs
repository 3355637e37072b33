//! What the role promises, on every store engine, with a song role and an identity in memory.

mod collaborators;
mod create;
mod edit;
mod editors;
mod endings;
mod files;
mod histories;
mod items;
mod lists;
mod moves;
mod pages;
pub(crate) mod peers;
mod watch;
mod world;
