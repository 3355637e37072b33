//! The child process that looks at untrusted bytes, both ends of it.
//!
//! Its standard input is the open spool file, its standard output one end of a socket pair: the order comes in
//! there and frames go out. It is given no path, no address and no environment, and denies itself everything
//! else before it looks at the first byte.

mod frame;
mod order;
mod process;
mod sandbox;
mod worker;

pub(crate) use frame::{Frame, MAX_OBJECT};
pub(crate) use order::Order;
pub(crate) use process::{Child, Death};
pub use worker::worker_main;
