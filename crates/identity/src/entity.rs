//! Rows of identity's tables. Ids are canonical UUID text, times Unix milliseconds.

pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;
