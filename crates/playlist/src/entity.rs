//! Rows.

pub(crate) mod collaborators;
pub(crate) mod invitations;
pub(crate) mod items;
pub(crate) mod playlists;
pub(crate) mod requests;
pub(crate) mod user_playlists;
