//! Rows of identity's tables. Ids are canonical UUID text, times Unix milliseconds.
#![allow(unreachable_pub, reason = "sea-orm's derive makes the companions of a public model")]

pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;
