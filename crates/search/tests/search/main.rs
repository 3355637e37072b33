//! The role as its callers and the bus see it, on the embedded bus, an index in memory that tests can break, and as
//! much of a song and a playlist service as it calls.

mod engines;
mod finding;
mod following;
mod fresh;
mod kinds;
mod memory_index;
mod playlist_service;
mod rebuilding;
mod rig;
mod song_service;
mod suggesting;
mod verifying;
