//! The gateway before real services, over real sockets.

mod backend;
mod common;
mod endings;
mod limits;
mod locks;
mod passing;
mod rig;
mod size;
mod web;
