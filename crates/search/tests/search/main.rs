//! The role as its callers and the bus see it, on the embedded bus, an index in memory that tests can break, and as
//! much of a song service as it calls.

mod engines;
mod finding;
mod following;
mod memory_index;
mod rebuilding;
mod rig;
mod song_service;
mod verifying;
