//! Where tokens are kept between calls.

use serde::{Deserialize, Serialize};
use std::{
    any::Any,
    fmt, io,
    sync::{Mutex, PoisonError},
};

/// A session's tokens. Does not print them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// For `authorization: Bearer`.
    pub access_token: String,
    /// When it ends, Unix milliseconds.
    pub access_expires_ms: i64,
    /// For the next pair; usable once.
    pub refresh_token: String,
    /// The address that signed in.
    pub email: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_expires_ms", &self.access_expires_ms)
            .finish_non_exhaustive()
    }
}

/// Keeps credentials. Refresh tokens are usable once, so processes that share a store take turns by its lock.
pub trait CredentialStore: Send + Sync + 'static {
    /// What is kept.
    fn load(&self) -> io::Result<Option<Credentials>>;
    /// Keeps these (or nothing) from now on, all at once.
    fn save(&self, credentials: Option<&Credentials>) -> io::Result<()>;
    /// Held while tokens are renewed. Blocks.
    fn lock(&self) -> io::Result<Box<dyn Any + Send>>;
}

/// Keeps credentials in memory.
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<Option<Credentials>>);

impl CredentialStore for MemoryCredentials {
    fn load(&self) -> io::Result<Option<Credentials>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
    fn save(&self, credentials: Option<&Credentials>) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = credentials.cloned();
        Ok(())
    }
    fn lock(&self) -> io::Result<Box<dyn Any + Send>> {
        Ok(Box::new(()))
    }
}
