//! Engines of the blob port. [`Directory`] keeps objects in a directory and serves them over Azure's Blob REST
//! calls, so that a client cannot tell it from Azure: the same signed URLs, the same blocks, the same errors.
//! [`Azure`] is a container of a storage account, [`AzureReader`] the same for those who may only read.
//! The crate knows nothing of songs; what an object means is the business of the roles.
#![forbid(unsafe_code)]

mod azure;
mod crc64;
mod directory;
mod key;
mod rest;
mod sas;
mod secret;

pub use azure::{
    Azure, AzureConfig, AzureConfigError, AzureReader, AzureReaderConfig, AzureTimeouts, AzureUnfit,
};
pub use directory::{CrashPoint, Directory, DirectoryConfig};
pub use key::{KeyError, SecretKey};
pub use secret::SecretText;
