//! Rows.

pub(crate) mod garbage;
pub(crate) mod owner_songs;
pub(crate) mod songs;
