//! What this role asks of others: songs of the song role, accounts of identity.

mod accounts;
mod own;
mod songs;

pub(crate) use accounts::Accounts;
pub(crate) use songs::{Songs, plays};
