//! What players and operators notice of an edge, against an origin that misbehaves on command.

mod access;
mod delivery;
mod faults;
mod herd;
mod origin;
mod rig;
mod storage;
