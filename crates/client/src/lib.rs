//! The Rust SDK: sign in, upload with resume, play, keep for offline. What the command line and the tests use.
//!
//! Bytes go straight to the blob store by signed URL; everything else is gRPC through the gateway. Nothing
//! here knows a role or an engine: it is an ordinary client of the public contracts.
#![forbid(unsafe_code)]

mod account;
mod blocks;
mod catalogue;
mod client;
mod consistency;
mod credentials;
pub mod download;
mod error;
mod hash;
mod library;
mod pages;
mod playlist;
mod retry;
mod search;
mod upload;
mod watch;

pub use client::Client;
pub use consistency::Consistent;
pub use credentials::{CredentialStore, Credentials, MemoryCredentials};
pub use download::Quality;
pub use error::ClientError;
pub use hash::{FileIdentity, identify};
pub use playlist::{Added, Items};
pub use retry::Patience;
pub use search::Verified;
pub use segue_proto as proto;
pub use upload::{Progress, Stage, UploadOptions, Uploaded};
