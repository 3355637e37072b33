//! The identity role: accounts, sessions, access tokens and signing keys.
//!
//! It owns the `identity_` tables and writes the `identity_outbox`. It is the only place that sees a password
//! or signs a user's token; every other role verifies tokens with public keys and hears of ended sessions by
//! broadcast. It must not know what accounts own: other roles hear `user.deleted.v1` and clean up themselves.
//!
//! Identity is not sharded: all of its rows live in one database, whatever the topology of the others.
#![forbid(unsafe_code)]

mod access;
mod accounts;
mod administration;
mod background;
mod config;
mod credential;
mod entity;
mod error;
mod event;
mod field;
mod first_account;
mod identity;
mod keys;
mod migration;
mod password;
mod profile;
mod refresh;
mod refresh_token;
mod resolve;
mod revocation;
mod service;
mod session_list;
mod sessions;
mod sign_in;
mod sign_up;

#[cfg(test)]
mod tests;

pub use access::ACCESS_TOKEN_LIFE;
pub use config::{IdentityConfig, InvitationCode, SignUpMode};
pub use error::Error;
pub use first_account::FirstAccount;
pub use identity::{Deps, Identity};
pub use revocation::{Ended, hear_revocations};
