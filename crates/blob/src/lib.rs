//! Engines of the blob port. [`Directory`] keeps objects in a directory and serves them over Azure's Blob REST
//! calls, so that a client cannot tell it from Azure: the same signed URLs, the same blocks, the same errors.
//! The crate knows nothing of songs; what an object means is the business of the roles.
#![forbid(unsafe_code)]

mod crc64;
mod directory;
mod key;
mod rest;
mod sas;

pub use directory::{CrashPoint, Directory, DirectoryConfig};
pub use key::{KeyError, SecretKey};
